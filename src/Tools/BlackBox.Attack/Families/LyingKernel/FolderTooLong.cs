namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class FolderTooLong() : LieAttack("lie-folder-too-long", "getdents64 says it wrote more than there is room for", 61, 0x10_0000, 'l', 1)
{
    public override string Mutant => "result-length";
}
