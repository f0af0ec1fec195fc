using System.Security.Cryptography;

namespace BlackBox.Boot;

/// <summary>What a monitor will say of itself and its shield, from the flat image alone.</summary>
public static class MonitorMeasurement
{
    private const int FrameBytes = 4096;

    /// <summary>SHA-256 of the flat image, as the monitor takes it before it changes anything.</summary>
    public static byte[] Monitor(byte[] image) => SHA256.HashData(image);

    /// <summary>SHA-256 of the shield as it stands in the monitor, in whole frames. The frame behind it, for the command line, does not count.</summary>
    /// <returns>null: this shield is not in this monitor</returns>
    public static byte[]? Shield(byte[] image, byte[] shield)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(shield);
        var length = (shield.Length + FrameBytes - 1) / FrameBytes * FrameBytes;
        for (var at = 0; at + length <= image.Length; at += FrameBytes)
        {
            if (image.AsSpan(at, shield.Length).SequenceEqual(shield))
            {
                return SHA256.HashData(image.AsSpan(at, length));
            }
        }

        return null;
    }
}
