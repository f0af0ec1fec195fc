using System.Text.Json;

namespace BlackBox.Attacks;

/// <summary>The result of one attack as programs read it.</summary>
public sealed record AttackResult(
    string Name,
    string Family,
    string Tries,
    string Control,
    bool ControlHolds,
    IReadOnlyList<string> Required,
    string Outcome,
    bool Passed,
    string Detail,
    double Seconds)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static AttackResult Of(Attack attack, Observation observation, TimeSpan time) => new(
        attack.Name, attack.Family, attack.Tries, attack.ControlText, observation.ControlHolds,
        [.. Enum.GetValues<AttackOutcome>().Where(outcome => outcome != 0 && attack.Required.HasFlag(outcome)).Select(Text)],
        Text(observation.Outcome),
        observation.ControlHolds && observation.Outcome != 0 && (observation.Outcome & ~attack.Required) == 0,
        observation.Detail, Math.Round(time.TotalSeconds, 1));

    /// <summary>A list of results as JSON. "control" says whether the control succeeded, that is whether the attack was shown to work.</summary>
    public static string ToJson(IEnumerable<AttackResult> results) => JsonSerializer.Serialize(
        results.Select(result => new
        {
            result.Name,
            result.Family,
            Control = result.ControlHolds ? "succeeded" : "failed",
            result.Outcome,
            result.Required,
            result.Passed,
            result.Tries,
            ControlIs = result.Control,
            result.Detail,
            result.Seconds,
        }), Json);

    internal static string Text(AttackOutcome outcome) =>
        string.Join('+', Enum.GetValues<AttackOutcome>().Where(one => one != 0 && outcome.HasFlag(one)).Select(one => Words(one.ToString())));

    private static string Words(string name) =>
        string.Concat(name.Select((letter, i) => i > 0 && char.IsUpper(letter) ? "-" + char.ToLowerInvariant(letter) : char.ToLowerInvariant(letter).ToString()));
}
