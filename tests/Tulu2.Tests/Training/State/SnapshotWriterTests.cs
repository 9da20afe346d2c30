using System.Collections.Concurrent;
using Tulu2.Checkpoints;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Parameters;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Tests.Data;
using Tulu2.Tests.Training.Runs;
using Tulu2.Training.Recipes;
using Tulu2.Training.State;
using Xunit;

namespace Tulu2.Tests.Training.State;

public sealed class SnapshotWriterTests : IDisposable
{
    private static readonly Rank First = new(0);

    private readonly TemporaryFolder _folder = new();
    private readonly ManualResetEventSlim _answers = new();
    private readonly BlockingCollection<WorkerReport> _reports = [];
    private readonly RankPart _part = new(new ParameterMap(LayoutRun.Config, 4), new ParallelLayout(1), First);

    public void Dispose()
    {
        _answers.Set();
        _folder.Dispose();
    }

    [Fact]
    public void While_the_storage_does_not_answer_the_next_snapshot_is_refused_at_once_and_no_second_one_waits()
    {
        using var state = new ReplicaState(_part.Parameters, Precision.Fp32, _part.Range);
        using var writer = Writer();
        state.Step = 1;
        Take(writer, state);
        // Asked for once more, by a commit that is repeated: its shard is reported when it is written.
        Take(writer, state);
        state.Step = 2;
        Take(writer, state);
        Assert.Equal(new WorkerReport.SnapshotFailed(First, new StepNumber(2), $"rank 0 is still writing its shard of step 1 to {_folder.File("run")}"), _reports.Take());
        Assert.Empty(_reports);

        _answers.Set();
        Assert.Equal(1, Assert.IsType<WorkerReport.ShardWritten>(_reports.Take()).Step.Value);
        state.Step = 3;
        Take(writer, state);
        Assert.Equal(3, Assert.IsType<WorkerReport.ShardWritten>(_reports.Take()).Step.Value);
        Assert.Empty(_reports);
    }

    [Fact]
    public async Task The_last_snapshot_waits_for_the_one_before()
    {
        using var state = new ReplicaState(_part.Parameters, Precision.Fp32, _part.Range);
        using var writer = Writer();
        state.Step = 1;
        Take(writer, state);
        state.Step = 2;
        var last = Task.Run(() => writer.Take(state, First, _part.SnapshotShare(0, 1), TimeSpan.FromMinutes(1)));
        _answers.Set();
        await last;
        Assert.Equal([1, 2], new[] { _reports.Take(), _reports.Take() }.Select(report => Assert.IsType<WorkerReport.ShardWritten>(report).Step.Value));
    }

    private void Take(SnapshotWriter writer, ReplicaState state) => writer.Take(state, First, _part.SnapshotShare(0, 1), TimeSpan.Zero);

    private SnapshotWriter Writer() => new(new CheckpointStore(_folder.File("run"))
    {
        Through = stream =>
        {
            _answers.Wait();
            return stream;
        },
    }, _reports.Add);
}
