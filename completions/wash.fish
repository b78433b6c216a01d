# Completion of wash for fish: candidates come from wash itself, at the moment of the tab.

function __wash_complete
    set -l program wash
    WASH_COMPLETE=fish:1 command $program (commandline --current-process --tokenize --cut-at-cursor) (commandline --cut-at-cursor --current-token)
end

complete --command wash --erase
complete --command wash --no-files --keep-order --arguments '(__wash_complete)'
