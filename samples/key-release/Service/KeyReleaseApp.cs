using BlackBox.Attestation;

namespace BlackBox.Samples.KeyRelease;

/// <summary>The service: two requests, no state but open challenges.</summary>
internal static partial class KeyReleaseApp
{
    private const int MaximumBody = 64 << 10;
    private const UnixFileMode ForOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes it.</summary>
    /// <param name="arguments">As for any ASP.NET service: --urls, --KeyRelease:Reference ...</param>
    /// <param name="configure">For tests.</param>
    /// <exception cref="FormatException">The reference values are damaged.</exception>
    /// <exception cref="IOException">A file is missing, or the secret can be read by others.</exception>
    public static WebApplication Create(string[] arguments, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(arguments);
        builder.WebHost.ConfigureKestrel(server => server.Limits.MaxRequestBodySize = MaximumBody);
        builder.Services.AddSingleton(TimeProvider.System);
        configure?.Invoke(builder);
        var options = builder.Configuration.GetSection("KeyRelease").Get<ReleaseOptions>() ?? new ReleaseOptions();
        var reference = ReferenceValues.Parse(File.ReadAllText(options.Reference));
        var secret = ReadSecret(options.Secret);

        var app = builder.Build();
        var challenges = new Challenges(app.Services.GetRequiredService<TimeProvider>(), TimeSpan.FromSeconds(options.ChallengeSeconds), options.MostChallenges);
        var policy = new ReleasePolicy(reference, secret, challenges);
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("KeyRelease");

        app.MapPost("/challenge", () => challenges.Create() is { } nonce
            ? Results.Ok(new Challenge(nonce, options.ChallengeSeconds))
            : Results.StatusCode(StatusCodes.Status503ServiceUnavailable));
        app.MapPost("/release", (ReleaseRequest request, HttpContext context) =>
        {
            if (request is not { Evidence: not null, PublicKey: not null })
            {
                return Results.BadRequest();
            }

            var (released, reasons) = policy.Decide(request);
            if (released is null)
            {
                // Why is for the owner of the secret; whoever asks learns that it was refused, and under which name the log has it.
                foreach (var reason in reasons)
                {
                    LogRefused(log, context.TraceIdentifier, context.Connection.RemoteIpAddress, reason);
                }

                return Results.Problem(title: "refused", statusCode: StatusCodes.Status403Forbidden, extensions: new Dictionary<string, object?> { ["request"] = context.TraceIdentifier });
            }

            LogReleased(log, context.TraceIdentifier, context.Connection.RemoteIpAddress);
            return Results.Ok(released);
        });
        return app;
    }

    /// <summary>A secret that other users of this host can read is none.</summary>
    private static byte[] ReadSecret(string file)
    {
        if (!OperatingSystem.IsWindows() && File.Exists(file) && (File.GetUnixFileMode(file) & ~ForOwner) != 0)
        {
            throw new IOException($"{file} can be read by other users: chmod 600 {file}");
        }

        return File.ReadAllBytes(file);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Request} from {Address} refused: {Reason}")]
    private static partial void LogRefused(ILogger log, string request, System.Net.IPAddress? address, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Request} from {Address}: secret released")]
    private static partial void LogReleased(ILogger log, string request, System.Net.IPAddress? address);
}
