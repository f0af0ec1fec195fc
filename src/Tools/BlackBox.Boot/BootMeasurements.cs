using System.Security.Cryptography;

namespace BlackBox.Boot;

/// <summary>What the TPM's SHA-256 registers hold after a boot, foretold from files alone.</summary>
public static class BootMeasurements
{
    private const int DigestLength = 32;

    /// <summary>PCR 12: what the monitor's loader has read of the system partition, in this order.</summary>
    /// <param name="folder">the monitor's folder on the system partition, with manifest, kernel, initrd, cmdline</param>
    public static async Task<byte[]> Pcr12Async(string folder, CancellationToken cancellation)
    {
        var register = new byte[DigestLength];
        foreach (var name in (string[])["manifest", "kernel", "initrd", "cmdline"])
        {
            var content = File.OpenRead(Path.Combine(folder, name));
            await using (content.ConfigureAwait(false))
            {
                register = Extend(register, await SHA256.HashDataAsync(content, cancellation).ConfigureAwait(false));
            }
        }

        return register;
    }

    /// <summary>TPM2_PCR_Extend.</summary>
    internal static byte[] Extend(byte[] register, byte[] digest) => SHA256.HashData([.. register, .. digest]);
}
