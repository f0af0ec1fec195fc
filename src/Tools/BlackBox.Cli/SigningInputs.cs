using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using BlackBox.Boot;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Cli;

/// <summary>Keys and certificates that boot files are signed with, looked at before anything is written.</summary>
internal static class SigningInputs
{
    /// <summary>A private boot key; the development key if none is named.</summary>
    /// <exception cref="BlackBoxException">It is missing, no key, or other users can read it.</exception>
    public static BootKeyPair OpenBootKey(string? file)
    {
        if (file is null)
        {
            return BootKeyPair.Development();
        }

        KeyStore.RequirePrivate(file);
        return BootKeyPair.Read(file);
    }

    /// <summary>Secure Boot keys, made if there are none.</summary>
    /// <param name="now">The certificate must be valid then: firmware may look at its dates, and an expired one tells of a forgotten rotation.</param>
    /// <exception cref="BlackBoxException">The signing key can be read by others, is not the certificate's, or the certificate is not valid now.</exception>
    public static SecureBootKeys OpenSecureBootKeys(string folder, DateTimeOffset now)
    {
        var keys = SecureBootKeys.Open(folder);
        KeyStore.RequirePrivate(keys.SigningKey);
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(keys.SigningCertificate));
            using var key = RSA.Create();
            key.ImportFromPem(File.ReadAllText(keys.SigningKey));
            using var certified = certificate.GetRSAPublicKey();
            var (from, until) = (new DateTimeOffset(certificate.NotBefore), new DateTimeOffset(certificate.NotAfter));
            var wrong = certified is null || !certified.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()) ? $"is not that of {keys.SigningKey}"
                : now < from ? $"is not valid before {Day(from)}"
                : now > until ? $"expired on {Day(until)}"
                : null;
            return wrong is null ? keys : throw new BlackBoxException(
                $"{keys.SigningCertificate} {wrong}", "make new keys in another folder and enrol them: ./blackbox keys enroll --secure-boot-keys FOLDER --out FOLDER");
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new BlackBoxException($"{keys.SigningKey} or {keys.SigningCertificate} is damaged: {error.Message}", null, error);
        }
    }

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
