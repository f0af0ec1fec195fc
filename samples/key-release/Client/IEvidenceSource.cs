namespace BlackBox.Samples.KeyRelease;

/// <summary>Where evidence comes from.</summary>
public interface IEvidenceSource
{
    /// <summary>Evidence that holds these 64 bytes.</summary>
    byte[] Quote(byte[] userReportData);
}

/// <summary>A protected container's /dev/attestation (docs/trust.md). All processes of the container share the 64 bytes: one at a time.</summary>
/// <param name="folder">The folder, for tests.</param>
public sealed class AttestationDevice(string folder = "/dev/attestation") : IEvidenceSource
{
    /// <inheritdoc/>
    public byte[] Quote(byte[] userReportData)
    {
        // Opened, not made: the file is there, and keeps its length.
        using (var data = new FileStream(Path.Combine(folder, "user_report_data"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0))
        {
            data.Write(userReportData);
        }

        return File.ReadAllBytes(Path.Combine(folder, "quote"));
    }
}
