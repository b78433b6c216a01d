# Completion of wash for elvish: candidates come from wash itself, at the moment of the tab.

use str

set edit:completion:arg-completer[wash] = {|@words|
    var program = wash
    e:env WASH_COMPLETE=elvish:1 $program $@words | from-lines | each {|answer|
        var word help = (str:split &max=2 "\t" $answer[1..])
        var suffix = (if (eq $answer[0] '+') { put ' ' } else { put '' })
        var display = (if (eq $help '') { put $word } else { put $word' ('$help')' })
        edit:complex-candidate $word &code-suffix=$suffix &display=$display
    }
}
