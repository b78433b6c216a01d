# Completion of wash for fish: candidates come from wash itself, at the moment of the tab.

function __wash_complete
    set -l program wash
    WASH_COMPLETE=fish:1 command $program (commandline --current-process --tokenize --cut-at-cursor) (commandline --cut-at-cursor --current-token)
end

# What a variable stands for is known to the shell alone: fish completes files then.
function __wash_has_variable
    string match --quiet --regex '^[^\']*\$' -- (commandline --cut-at-cursor --current-token)
end

complete --command wash --erase
complete --command wash --condition 'not __wash_has_variable' --no-files --keep-order --arguments '(__wash_complete)'
