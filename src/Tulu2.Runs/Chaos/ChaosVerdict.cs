using Tulu2.Files;
using Tulu2.Runs.Output;

namespace Tulu2.Runs.Chaos;

/// <summary>What a run under faults proves, and what it cost.</summary>
internal sealed record ChaosVerdict(ChaosOutcome Run, string Expected)
{
    public bool Ended => Run.Exit == ExitCode.Done;

    public bool HasSameBits => Run.ParametersSha256 == Expected;

    public bool IsLedgerSound => Run.Ledger?.IsSound == true;

    /// <summary>A run that nothing was done to proves nothing.</summary>
    public bool Holds => Ended && HasSameBits && IsLedgerSound && Run.Missed.Count == 0;

    /// <summary>Commits that were made again: a resume makes the steps since its checkpoint, a loss of all copies too.</summary>
    public int Replayed => Run.Ledger?.Replayed ?? 0;

    /// <summary>By fault, in the order of their names: how often, and the seconds to the next commit, ascending.</summary>
    public IEnumerable<(string What, int Count, IReadOnlyList<double> Seconds)> ByFault => Run.Faults.GroupBy(fault => fault.What).OrderBy(faults => faults.Key, StringComparer.Ordinal)
        .Select(faults => (faults.Key, faults.Count(), (IReadOnlyList<double>)[.. faults.Select(fault => fault.ToCommit).OfType<double>().Order()]));

    public IEnumerable<string> Lines()
    {
        yield return $"ended in order    {(Ended ? "yes" : $"no, exit code {Run.Exit}")}";
        yield return $"the same bits     {(HasSameBits ? "yes" : $"no: {Run.ParametersSha256 ?? "no hash"} in place of {Expected}")}";
        yield return $"ledger            {(IsLedgerSound ? "sound: every step once, with each slot once" : $"not sound: {(Run.Ledger is { } verdict ? string.Join("; ", verdict.Faults) : "there is none")}")}";
        if (Run.Missed.Count > 0) yield return $"did not happen    {string.Join(", ", Run.Missed)}: the run was over before, or had no such process";
        yield return $"steps made again  {NumberText.Count(Replayed)}{(Run.Resumes > 0 ? $", over {NumberText.Count(Run.Resumes, "resume")}" : "")}";
        foreach (var (what, count, seconds) in ByFault)
            yield return seconds.Count == 0 ? $"{what}: {count}; no step came after it"
                : FormattableString.Invariant($"{what}: {count}; to the next commit {Quantile(seconds, 0.5):F2} s (median), {Quantile(seconds, 0.9):F2} s (90 %), {seconds[^1]:F2} s (worst)");
    }

    public static double Quantile(IReadOnlyList<double> ascending, double share) => ascending[(int)(share * (ascending.Count - 1))];
}
