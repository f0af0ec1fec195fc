namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class MoreArguments() : ImageAttack("image-more-arguments", "starts the program with one more argument", "true", "guard 1 more")
{
    public override string Mutant => "manifest-arguments";
}
