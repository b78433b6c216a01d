# Completion of wash for Nushell: candidates come from wash itself, at the moment of the tab.

let wash_others = $env.config.completions?.external?.completer?
$env.config.completions.external.completer = {|spans|
    if $spans.0 == "wash" {
        let program = "wash"
        with-env { WASH_COMPLETE: "nushell:1" } { ^$program ...$spans | from json }
    } else if $wash_others != null {
        do $wash_others $spans
    }
}
