namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ScriptInterpreter() : ImageAttack("image-script-interpreter", "lets the script name another interpreter", "printf '#!/bin/other guard\\n# some words\\n' > $R/bin/script", prelude: "PROGRAM=/bin/script;", words: "", image: "script");
