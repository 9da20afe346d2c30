using Tulu2.Protocol.Accounts;

namespace Tulu2.Cluster.Ledger;

/// <summary>Where the time of a run's ranks went until the last entry of its ledger, and what each recovery took. Of a run that is under way too.</summary>
/// <param name="Recoveries">In order.</param>
/// <param name="Step">The last step that was committed.</param>
/// <param name="TotalSteps">0: the ledger does not say.</param>
/// <param name="Ranks">Of the newest generation.</param>
/// <param name="Finished">How the run ended; null: it has not, or nobody could write it down.</param>
public sealed record RunTimes(
    AccountedTimes Times, IReadOnlyList<LedgerEvent.Recovered> Recoveries, int Step, int TotalSteps, long Generation, int Ranks, LedgerEvent.RunFinished? Finished)
{
    public static RunTimes Of(IReadOnlyList<LedgerEntry> entries)
    {
        var state = LedgerState.Empty;
        var recoveries = new List<LedgerEvent.Recovered>();
        var (steps, ranks) = (0, 0);
        foreach (var entry in entries)
        {
            state = state.Apply(entry);
            switch (entry.Event)
            {
                case LedgerEvent.RunStarted started:
                    recoveries.Clear();
                    (steps, ranks) = (started.TotalSteps, started.Ranks);
                    break;
                case LedgerEvent.RunResumed resumed:
                    (steps, ranks) = (resumed.TotalSteps, resumed.Ranks);
                    break;
                case LedgerEvent.GenerationOpened opened:
                    ranks = opened.Ranks;
                    break;
                case LedgerEvent.Recovered recovery:
                    recoveries.Add(recovery);
                    break;
            }
        }
        return new RunTimes(state.Times.Times, recoveries, state.Decided?.Value ?? state.Lost, steps, state.Generation, ranks, state.Finished);
    }
}
