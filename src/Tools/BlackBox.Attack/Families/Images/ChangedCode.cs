namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ChangedCode() : ImageAttack("image-changed-code", "changes one bit in every block of the program", ImageChange.Flip + "for i in $(seq 0 140); do flip $R/bin/victim $((i * 4096 + 2000)) 128; done");
