namespace BlackBox.Runtime;

/// <summary>An error for whoever called the runtime: one line that says what is wrong and, if known, what to do.</summary>
internal sealed class RuntimeException(string message) : Exception(message);
