using System.Text;

namespace BlackBox.Emulation;

/// <summary>What a command in the guest left.</summary>
/// <param name="ExitCode">0 to 255, as the guest's shell gives it (128 + N after signal N).</param>
/// <param name="Bytes">Standard output and standard error together, unchanged.</param>
public sealed record CommandResult(int ExitCode, byte[] Bytes)
{
    /// <summary>The output as text.</summary>
    public string Output => Encoding.UTF8.GetString(Bytes);

    public bool Succeeded => ExitCode == 0;
}
