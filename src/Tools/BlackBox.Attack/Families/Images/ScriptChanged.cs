namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ScriptChanged() : ImageAttack("image-script-changed", "changes one letter of the script that is the entry point", "printf '#!/bin/victim guard\\n# other words\\n' > $R/bin/script", prelude: "PROGRAM=/bin/script;", words: "", image: "script");
