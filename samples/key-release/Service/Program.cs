using BlackBox.Samples.KeyRelease;

try
{
    await KeyReleaseApp.Create(args).RunAsync().ConfigureAwait(false);
    return 0;
}
catch (Exception error) when (error is IOException or FormatException or UnauthorizedAccessException)
{
    await Console.Error.WriteLineAsync($"key-release: {error.Message}").ConfigureAwait(false);
    return 1;
}
