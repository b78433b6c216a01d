# Completion of wash for PowerShell: candidates come from wash itself, at the moment of the tab.

Register-ArgumentCompleter -Native -CommandName wash -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $program = 'wash'
    # What the words say, without running what they say to run.
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text } })
    # Some versions lose an empty word on its way to a program.
    $words += '=' + $wordToComplete.Trim("'", '"')

    $before = $env:WASH_COMPLETE
    $env:WASH_COMPLETE = 'powershell:1'
    try {
        $answers = & $program @words
    } finally {
        $env:WASH_COMPLETE = $before
    }
    foreach ($answer in $answers) {
        $word, $display, $help = $answer.Split("`t")
        [System.Management.Automation.CompletionResult]::new($word, $display, 'ParameterValue', $help)
    }
}
