using System.Buffers.Binary;
using System.Reflection.PortableExecutable;
using System.Security.Cryptography;
using System.Text;

namespace BlackBox.Boot;

/// <summary>
/// What the TPM's SHA-256 registers hold after a boot, foretold from files alone. PCR 12 is that of every machine; PCR 4 and 7 are those of QEMU's Arm firmware (AAVMF) with
/// the variables of <see cref="VariableStore"/>. Another firmware measures more: read its registers from the log of a boot (<see cref="EventLog"/>).
/// </summary>
public static class BootMeasurements
{
    private const int DigestLength = 32;
    private static readonly Guid Global = new("8be4df61-93ca-11d2-aa0d-00e098032b8c");
    private static readonly Guid Database = new("d719b2cb-3d3a-4596-a3bc-dad00e67656f");

    /// <summary>PCR 4: the application that the firmware has started.</summary>
    public static byte[] Pcr4(byte[] application) => Extend(new byte[DigestLength], ApplicationDigest(application));

    /// <summary>PCR 7: Secure Boot's state and keys, and the key that has signed the application.</summary>
    public static byte[] Pcr7(SecureBootKeys keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var database = SignatureList.Create(keys.Certificate("db"));
        byte[][] events =
        [
            Variable(Global, "SecureBoot", [1]),
            Variable(Global, "PK", SignatureList.Create(keys.Certificate("PK"))),
            Variable(Global, "KEK", SignatureList.Create(keys.Certificate("KEK"))),
            Variable(Database, "db", database),
            Variable(Database, "dbx", []),
            new byte[sizeof(uint)],    // EV_SEPARATOR
            Variable(Database, "db", SignatureList.FirstEntry(database)),
        ];
        return events.Aggregate(new byte[DigestLength], (register, item) => Extend(register, SHA256.HashData(item)));
    }

    /// <summary>PCR 12: the SHA-256 of each file that the monitor's loader reads from the system partition, in this order, measured as data.</summary>
    /// <param name="folder">the monitor's folder there, with manifest, kernel, initrd, cmdline</param>
    public static async Task<byte[]> Pcr12Async(string folder, CancellationToken cancellation)
    {
        var register = new byte[DigestLength];
        foreach (var name in (string[])["manifest", "kernel", "initrd", "cmdline"])
        {
            var content = File.OpenRead(Path.Combine(folder, name));
            await using (content.ConfigureAwait(false))
            {
                register = Extend(register, SHA256.HashData(await SHA256.HashDataAsync(content, cancellation).ConfigureAwait(false)));
            }
        }

        return register;
    }

    /// <summary>Authenticode digest of an application: SHA-256 of all but its checksum and its signature (Microsoft, "Windows Authenticode Portable Executable Signature Format").</summary>
    /// <exception cref="BadImageFormatException">It is no PE32+ file.</exception>
    public static byte[] ApplicationDigest(byte[] application)
    {
        ArgumentNullException.ThrowIfNull(application);
        using var reader = new PEReader(new MemoryStream(application, writable: false));
        var headers = reader.PEHeaders;
        if (headers.PEHeader is not { Magic: PEMagic.PE32Plus } optional)
        {
            throw new BadImageFormatException("no PE32+ file");
        }

        var checksum = headers.PEHeaderStartOffset + 64;
        var certificates = headers.PEHeaderStartOffset + 112 + (4 * 8);    // the fifth directory
        var signature = optional.CertificateTableDirectory;
        var end = signature.Size == 0 ? application.Length : signature.RelativeVirtualAddress;    // a place in the file here
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(application.AsSpan(0, checksum));
        hash.AppendData(application.AsSpan((checksum + 4)..certificates));
        hash.AppendData(application.AsSpan((certificates + 8)..end));
        return hash.GetHashAndReset();
    }

    /// <summary>TPM2_PCR_Extend.</summary>
    internal static byte[] Extend(byte[] register, byte[] digest) => SHA256.HashData([.. register, .. digest]);

    // UEFI_VARIABLE_DATA of the PC Client Platform Firmware Profile.
    private static byte[] Variable(Guid vendor, string name, byte[] data)
    {
        var sizes = new byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteInt64LittleEndian(sizes, name.Length);
        BinaryPrimitives.WriteInt64LittleEndian(sizes.AsSpan(sizeof(ulong)), data.Length);
        return [.. vendor.ToByteArray(), .. sizes, .. Encoding.Unicode.GetBytes(name), .. data];
    }
}
