using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Protocol.Ids;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Training.Runs;

/// <summary>The result of a run is the same to the last bit, however many ranks computed it and whatever failed.</summary>
public class EqualBitsTests
{
    private static readonly Dictionary<(Objective, Precision), Lazy<(WorkerSettings Settings, string Hash)>> One =
        (from objective in Enum.GetValues<Objective>()
         from precision in Enum.GetValues<Precision>()
         select (objective, precision)).ToDictionary(key => key, key => new Lazy<(WorkerSettings, string)>(() =>
         {
             var settings = TinyRun.Settings(key.objective, key.precision);
             if (ObjectiveCatalog.Of(key.objective).NeedsReference(settings.Recipe)) settings = TinyRun.WithReferences(settings);
             using var supervisor = new TestSupervisor(settings, 1);
             return (settings, supervisor.Run(TinyRun.Steps));
         }));

    [Theory]
    [InlineData(Objective.Sft, Precision.Fp32)]
    [InlineData(Objective.Sft, Precision.Bf16)]
    [InlineData(Objective.Dpo, Precision.Fp32)]
    [InlineData(Objective.Dpo, Precision.Bf16)]
    [InlineData(Objective.Kto, Precision.Fp32)]
    [InlineData(Objective.Kto, Precision.Bf16)]
    public void One_two_three_and_four_ranks_end_with_the_same_parameters(Objective objective, Precision precision)
    {
        var (settings, hash) = One[(objective, precision)].Value;
        foreach (var ranks in new[] { 2, 3, 4 })
        {
            using var supervisor = new TestSupervisor(settings, ranks);
            Assert.Equal(hash, supervisor.Run(TinyRun.Steps));
        }
    }

    [Property(MaxTest = 10)]
    public Property Faults_at_random_change_nothing() =>
        Prop.ForAll(Schedule.Draw(5, TinyRun.Steps), Gen.Elements(One.Keys.ToArray()).ToArbitrary(), (schedule, kind) =>
        {
            var (settings, hash) = One[kind].Value;
            using var supervisor = new TestSupervisor(settings with { Faults = schedule.Plan() }, schedule.Layout);
            return (supervisor.Run(TinyRun.Steps) == hash).Label($"{kind}");
        });

    [Theory]
    [InlineData(Precision.Fp32, true)]
    [InlineData(Precision.Bf16, true)]
    [InlineData(Precision.Fp32, false)]
    [InlineData(Precision.Bf16, false)]
    public void Dpo_begins_at_exactly_ln_2_whatever_the_batches_look_like(Precision precision, bool packing)
    {
        var settings = TinyRun.WithReferences(TinyRun.Settings(Objective.Dpo, precision, packing: packing));
        using var supervisor = new TestSupervisor(settings, 2);
        supervisor.Run(TinyRun.Steps);
        var first = supervisor.Steps[1].Metrics;
        Assert.Equal(0.6931471805599453, first.Loss);
        Assert.Equal(0, first.More["rewards_accuracy"]);
        Assert.Equal(0, first.More["rewards_margin"]);
        Assert.True(first.More["logps_chosen"] < -1);
        // The first rate is 0; after two real updates the policy has left its reference.
        Assert.Equal(0.6931471805599453, supervisor.Steps[2].Metrics.Loss);
        Assert.True(supervisor.Steps[4].Metrics.Loss < 0.69);
        Assert.True(supervisor.Steps[4].Metrics.More["rewards_margin"] > 0);
    }

    [Theory]
    [InlineData(Precision.Fp32, 1, 3)]
    [InlineData(Precision.Bf16, 3, 2)]
    public void A_run_resumed_from_a_checkpoint_on_other_ranks_ends_with_the_same_parameters(Precision precision, int before, int after)
    {
        var directory = Directory.CreateTempSubdirectory("tulu2-resume-");
        try
        {
            var hash = One[(Objective.Sft, precision)].Value.Hash;
            var settings = TinyRun.Settings(Objective.Sft, precision, checkpoints: directory.FullName);
            using var supervisor = new TestSupervisor(settings, before);
            supervisor.Run(2, checkpoint: true);
            using var resumed = new TestSupervisor(settings with { Faults = new FaultPlan().FailAt(new Rank(0), new StepNumber(3), new SlotNumber(1)) }, after);
            Assert.Equal(hash, resumed.Run(TinyRun.Steps, supervisor.Checkpoint));
            Assert.Equal([3, 4], resumed.Steps.Keys);
        }
        finally
        {
            directory.Delete(true);
        }
    }
}
