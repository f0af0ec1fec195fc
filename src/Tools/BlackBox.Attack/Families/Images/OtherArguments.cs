namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class OtherArguments() : ImageAttack("image-other-arguments", "starts the program with another argument", "true", "guard 7")
{
    public override string Mutant => "manifest-arguments";
}
