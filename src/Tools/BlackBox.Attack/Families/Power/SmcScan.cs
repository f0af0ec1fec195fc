namespace BlackBox.Attacks;

/// <summary>All SMCs there can be.</summary>
internal sealed class SmcScan() : PowerAttack(
    "power-smc-scan", "tries function numbers of every SMCCC owner, fast and yielding, 32 and 64 bit", "SMCCC_VERSION is answered")
{
    protected override async Task<(bool Control, string? Accepted)> AttackAsync(AttackSession session)
    {
        var bad = new List<string>();
        // Owner 0 answers version and features, 6 the monitor's identity; PSCI (4) has attacks of its own.
        var scans = Enumerable.Range(0, 64).Where(owner => owner != 4).SelectMany(owner => ((int[])[0, 0x3f00, 0x7f00, 0xff00]).Select(first => (Owner: owner, First: first))).ToList();
        var answers = await session.HostileAllAsync([.. scans.Select(scan => $"smc-scan {scan.Owner} {scan.First} 256")]);
        foreach (var (scan, answer) in scans.Zip(answers))
        {
            var allowed = scan.Owner switch { 0 => 8UL, 6 => 1UL, _ => 0UL };
            if (answer["answered"] > allowed)
            {
                bad.Add($"owner {scan.Owner} from 0x{scan.First:x}: {answer["answered"]}");
            }
        }

        return ((int)(await SmcAsync(session, 0x8000_0000))["x0"] > 0, bad.Count > 0 ? string.Join(", ", bad) : null);
    }
}
