using Tulu2.Checkpoints;
using Tulu2.Cluster.Messages;
using Tulu2.Collectives;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.Benchmarks;

/// <summary>Workers that have computed everything as soon as they are told to.</summary>
internal sealed class StubWorkers(ControlRecord record) : IWorkerFactory
{
    public IWorker Start(Rank rank, Action<WorkerReport> report)
    {
        report(new WorkerReport.Started("nowhere"));
        return new Stub(record, rank, report);
    }

    // Commands come from the rank's trainer, one at a time.
    private sealed class Stub(ControlRecord record, Rank rank, Action<WorkerReport> report) : IWorker
    {
        private static readonly StepTimes NoTimes = new(0, 0, 0, 0);

        private StepNumber _step = new(-1);
        private IReadOnlyList<SlotRange> _slots = [];

        public void Send(WorkerCommand command)
        {
            switch (command)
            {
                case WorkerCommand.JoinGeneration join:
                    report(new WorkerReport.Joined(join.Generation, rank, _step, [], null));
                    break;
                case WorkerCommand.Begin begin:
                    (_step, _slots) = (new StepNumber(begin.Step - 1), begin.Compute);
                    Make(begin.Generation);
                    break;
                case WorkerCommand.Commit commit:
                    Apply(commit);
                    break;
            }
        }

        public void Dispose()
        {
        }

        private void Make(Generation generation)
        {
            var step = _step.Next();
            foreach (var slot in _slots.SelectMany(SlotNumber.In)) Say(step, new WorkerReport.SlotDone(generation, rank, step, slot, 0));
            var ready = new WorkerReport.StepReady(generation, rank, step, $"{step.Value:x64}", new StepMetrics(1, 1, 1, 1, 1, []), NoTimes);
            record.Ready(step);
            Say(step, ready);
        }

        private void Apply(WorkerCommand.Commit commit)
        {
            record.Told(commit.Step);
            record.Passed(commit.Step, new RankProtocol.Command(commit));
            _step = commit.Step;
            if (commit.Snapshot) report(new WorkerReport.ShardWritten(rank, commit.Step, new ShardEntry($"{commit.Step}-{rank}", 1, [])));
            Say(commit.Step, new WorkerReport.Applied(commit.Generation, rank, commit.Step, 0, commit.Then, null));
            if (commit.Then == AfterCommit.GoOn && _step < record.Steps) Make(commit.Generation);
        }

        private void Say(StepNumber step, WorkerReport said)
        {
            record.Passed(step, new RankProtocol.Report(said));
            report(said);
        }
    }
}
