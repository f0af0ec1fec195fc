namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class PollTooMany() : LieAttack("lie-poll-too-many", "ppoll says more descriptors are ready than were asked", 73, 1000, 'c', 2);
