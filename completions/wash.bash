# Completion of wash for bash: candidates come from wash itself, at the moment of the tab.

_wash() {
    local program=wash
    local answer case=
    COMPREPLY=()
    [[ $(bind -v 2>/dev/null) == *'completion-ignore-case on'* ]] && case=ignore
    while IFS= read -r answer; do
        case $answer in
            :nospace) compopt -o nospace 2>/dev/null ;;
            :default) compopt -o default 2>/dev/null ;;
            *) COMPREPLY+=("$answer") ;;
        esac
    done < <(WASH_COMPLETE=bash:1 command "$program" \
        "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" "$COMP_TYPE" "${COLUMNS:-80}" "$case")
}

complete -o bashdefault -o nosort -F _wash wash 2>/dev/null ||
    complete -o bashdefault -F _wash wash
