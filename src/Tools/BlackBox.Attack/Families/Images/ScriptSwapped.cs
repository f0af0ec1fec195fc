namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ScriptSwapped() : ImageAttack("image-script-swapped", "starts the interpreter with another script than the entry point", "cp $R/bin/script $R/bin/twin", prelude: "PROGRAM=/bin/twin;", words: "", image: "script");
