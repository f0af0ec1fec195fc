namespace BlackBox.Hosting;

/// <summary>
/// An error that is meant for the user: one line that says what is wrong, and one that says what to do about it.
/// Everything else that reaches the top of a tool is a bug and shown with its stack.
/// </summary>
public class BlackBoxException : Exception
{
    public BlackBoxException(string message, string? advice = null, Exception? inner = null)
        : base(message, inner) => Advice = advice;

    /// <summary>What the user can do about it, if we know.</summary>
    public string? Advice { get; }
}
