namespace BlackBox.Attacks;

/// <summary>Variables that the manifest does not have.</summary>
internal sealed class ForeignEnvironment() : Attack(
    "image-foreign-environment", AttackFamily.Images, "starts the program with LD_PRELOAD and other variables that its manifest does not name",
    "the unprotected program gets them", AttackOutcome.Refused | AttackOutcome.Harmless)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        const string Prelude = "export VICTIM_ENVIRONMENT='LD_PRELOAD=/evil.so GLIBC_TUNABLES=x=y HOME=/tmp';";
        var plain = await session.StartAsync("variables-plain", "/attacks/plain", 2, "guard 2", Prelude);
        var control = await plain.AskAsync('e');
        await plain.EndAsync();
        var untouched = await session.StartAsync("variables-usual", "/attacks/images/guard", 1, "guard 1");
        var usual = await untouched.AskAsync('e');
        await untouched.EndAsync();
        var guard = await session.StartAsync("variables", "/attacks/images/guard", 1, "guard 1", Prelude);
        var answer = guard.IsReady ? await guard.AskAsync('e') : guard.Greeting;
        await guard.EndAsync();
        var outcome = !guard.IsReady ? AttackOutcome.Refused : answer == usual ? AttackOutcome.Harmless : AttackOutcome.SilentChange;
        return new Observation(control == "environment 3", outcome, $"protected: {answer}, as always: {usual}; unprotected: {control}");
    }
}
