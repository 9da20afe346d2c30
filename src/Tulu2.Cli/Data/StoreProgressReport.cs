using Tulu2.Cli.Shell;
using Tulu2.Data.Store;

namespace Tulu2.Cli.Data;

/// <summary>Shows how far tokenising is.</summary>
internal sealed class StoreProgressReport(Action<ProgressSnapshot> report) : IProgress<StoreProgress>
{
    public void Report(StoreProgress value) => report(new ProgressSnapshot(value.Rows, 0) { Phase = $"tokenising file {value.File + 1}/{value.Files}, rows" });
}
