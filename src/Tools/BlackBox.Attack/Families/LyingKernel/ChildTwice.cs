namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ChildTwice() : LieAttack("lie-clone-twice", "clone gives the same number for every child", 220, 2, 't');
