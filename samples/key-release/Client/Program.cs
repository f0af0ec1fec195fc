namespace BlackBox.Samples.KeyRelease;

/// <summary>Prints the secret: <c>key-request https://keys.example:8443/ [ENDORSEMENT.json]</c>. Exit status 0: here it is; 1: refused or failed; 2: wrong use.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        if (arguments.Length is < 1 or > 2 || !Uri.TryCreate(arguments[0], UriKind.Absolute, out var address))
        {
            await Console.Error.WriteLineAsync("usage: key-request URL [ENDORSEMENT.json]").ConfigureAwait(false);
            return 2;
        }

        try
        {
            using var http = new HttpClient { BaseAddress = address };
            var endorsement = arguments.Length == 2 ? await File.ReadAllTextAsync(arguments[1]).ConfigureAwait(false) : null;
            var secret = await new ReleaseClient(http, new AttestationDevice()).GetSecretAsync(endorsement).ConfigureAwait(false);
            await using var output = Console.OpenStandardOutput();
            await output.WriteAsync(secret).ConfigureAwait(false);
            return 0;
        }
        catch (Exception error) when (error is ReleaseRefusedException or HttpRequestException or IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException or TaskCanceledException or System.Text.Json.JsonException)
        {
            await Console.Error.WriteLineAsync($"key-request: {error.Message}").ConfigureAwait(false);
            return 1;
        }
    }
}
