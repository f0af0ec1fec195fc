using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using BlackBox.Hosting;

namespace BlackBox.Boot;

/// <summary>
/// A machine owner's own Secure Boot keys: platform key, key exchange key, and the one in db that applications are signed with. Nothing else belongs
/// into db: what it lets start runs in the monitor's place.
/// </summary>
public sealed class SecureBootKeys
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private SecureBootKeys(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Private key (PEM) that applications are signed with.</summary>
    public string SigningKey => Path.Combine(Folder, "db.key");

    /// <summary>Its certificate (PEM).</summary>
    public string SigningCertificate => Path.Combine(Folder, "db.crt");

    internal static IReadOnlyList<string> Names => ["PK", "KEK", "db"];

    /// <summary>Opens the keys of a folder; makes them if there are none.</summary>
    public static SecureBootKeys Open(string folder)
    {
        var keys = new SecureBootKeys(folder);
        Directory.CreateDirectory(folder);
        foreach (var name in Names.Where(name => !File.Exists(keys.CertificateOf(name)) || !File.Exists(keys.KeyOf(name))))
        {
            keys.Make(name);
        }

        return keys;
    }

    /// <summary>Certificate of PK, KEK or db, DER.</summary>
    public byte[] Certificate(string name)
    {
        using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(CertificateOf(name)));
        return certificate.RawData;
    }

    /// <summary>Writes what firmware menus and tools take: NAME.cer (DER), NAME.esl (signature list), NAME.auth (signed update; PK by itself, KEK by PK, db by KEK).</summary>
    public async Task WriteEnrolmentAsync(string folder, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        foreach (var name in Names)
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, name + ".cer"), Certificate(name), cancellation).ConfigureAwait(false);
            var list = Path.Combine(folder, name + ".esl");
            await File.WriteAllBytesAsync(list, SignatureList.Create(Certificate(name)), cancellation).ConfigureAwait(false);
            var signer = name == "db" ? "KEK" : "PK";
            await ExternalProcess.RunCheckedAsync(
                "sbvarsign", ["--key", KeyOf(signer), "--cert", CertificateOf(signer), "--output", Path.Combine(folder, name + ".auth"), name, list], cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Signs an application (Authenticode) with the key in db.</summary>
    public async Task SignAsync(string application, string signed, CancellationToken cancellation) => await AtomicOutput.WriteFileByNameAsync(
        signed,
        async file => await ExternalProcess.RunCheckedAsync("sbsign", ["--key", SigningKey, "--cert", SigningCertificate, "--output", file, application], cancellation).ConfigureAwait(false))
        .ConfigureAwait(false);

    private string KeyOf(string name) => Path.Combine(Folder, name + ".key");

    private string CertificateOf(string name) => Path.Combine(Folder, name + ".crt");

    private void Make(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN=BlackBox Secure Boot {name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(20));
        using (var file = new FileStream(KeyOf(name), new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = Private }))
        using (var writer = new StreamWriter(file))
        {
            writer.Write(key.ExportPkcs8PrivateKeyPem() + "\n");
        }

        File.WriteAllText(CertificateOf(name), certificate.ExportCertificatePem() + "\n");
    }
}
