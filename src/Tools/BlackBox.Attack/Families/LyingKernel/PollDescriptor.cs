namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class PollDescriptor() : LieAttack("lie-poll-descriptor", "ppoll changes the descriptors in the list that it was given", "lie-data {0} 73 0 0 77 4 0 2", 'c');
