using Tulu2.Data.Store;
using Tulu2.Runs.Output;

namespace Tulu2.Runs.Preparation;

/// <summary>Reports the progress of tokenising.</summary>
internal sealed class StoreProgressReport(Action<ProgressSnapshot> report) : IProgress<StoreProgress>
{
    public void Report(StoreProgress value) => report(new ProgressSnapshot(value.Rows, 0) { Phase = $"tokenising file {value.File + 1}/{value.Files}, rows" });
}
