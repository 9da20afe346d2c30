using TorchSharp;
using Tulu2.Models.Decoder;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Ranks;
using Tulu2.Training.Recipes;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Training.Runs;

/// <summary>Native memory is invisible to the garbage collector: what a worker does not free itself is lost.</summary>
public class LeftTensorsTests
{
    [Theory]
    [InlineData(Precision.Fp32, false, false)]
    [InlineData(Precision.Bf16, false, false)]
    [InlineData(Precision.Bf16, true, false)]
    [InlineData(Precision.Fp32, true, true)]
    public void A_worker_that_ends_leaves_no_tensor_behind(Precision precision, bool fails, bool onDevice)
    {
        var settings = TinyRun.Settings(Objective.Sft, precision);
        if (fails) settings = settings with { Faults = new FaultPlan().FailBeforeApply(new Rank(0), new StepNumber(2)) };
        if (onDevice) settings = settings with { DeviceOverride = new torch.Device(DeviceType.CPU) };
        var objective = SlotObjective.Of(settings.Recipe, settings.Plan, null);
        var mailbox = new Mailbox();
        var reports = new List<WorkerReport>();
        var alive = new List<long>();
        mailbox.Post(new WorkerCommand.JoinGeneration(new Generation(1), new Rank(0), ["in-process"]));
        mailbox.Post(new WorkerCommand.Begin(new Generation(1), new StepNumber(1), new StateTransfer.FromRecipe(), [], [new(0, settings.Plan.SlotsPerStep)]));
        var before = Alive();

        // On this thread, because tensors are counted by thread.
        WorkerLoop.Run(settings, new Rank(0), mailbox, Answer, (state, group) =>
            new ModelSlots(new DecoderModel(state.Parameters, state.Weights), state.Weights.Read, objective, state.WeightsOnDevice));

        Assert.Equal(fails, reports.OfType<WorkerReport.Failed>().Any());
        Assert.Equal(fails ? 2 : TinyRun.Steps, reports.OfType<WorkerReport.StepReady>().Count());
        Assert.Equal(before, Alive());
        // Nor does a step leave any: the first one makes what all of them use.
        Assert.Single(alive.Skip(1).Distinct());

        void Answer(WorkerReport report)
        {
            reports.Add(report);
            switch (report)
            {
                case WorkerReport.Joined:
                    Feed(1);
                    break;
                case WorkerReport.StepReady ready:
                    alive.Add(Alive());
                    if (ready.Step < TinyRun.Steps) Feed(ready.Step + 1);
                    mailbox.Post(new WorkerCommand.Commit(new Generation(1), ready.Step, false, ready.Step == TinyRun.Steps ? AfterCommit.End : AfterCommit.GoOn));
                    break;
                case WorkerReport.Applied { Step.Value: TinyRun.Steps }:
                    mailbox.Post(new WorkerCommand.Shutdown());
                    break;
            }
        }

        void Feed(int step)
        {
            for (var slot = 0; slot < settings.Plan.SlotsPerStep; slot++) mailbox.Post(new WorkerCommand.Feed(settings.Plan.Read(step, slot)));
        }
    }

    private static long Alive() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
}
