using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;
using Tulu2.Tests.Data.Slots;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Training.Runs;

/// <summary>Validations of a run: the same bits wherever its ranks stand, and none of the run's own bits is changed by them.</summary>
public class ValidationTests
{
    private const int Steps = 4;

    private static readonly ParallelLayout[] Layouts =
        [new(2), new(4, zero: 4), new(1, tensor: 4), new(1, pipeline: 2), new(2, tensor: 2, pipeline: 2, zero: 2), new(3)];

    [Theory]
    [InlineData(Objective.Sft, Precision.Fp32)]
    [InlineData(Objective.Dpo, Precision.Bf16)]
    [InlineData(Objective.Kto, Precision.Bf16)]
    public void Values_and_parameters_are_the_same_on_every_layout(Objective objective, Precision precision)
    {
        var (settings, set) = Make(objective, precision);
        string Run(ParallelLayout layout, ValidationRules? rules, out SortedDictionary<int, NamedValues> values, out int last)
        {
            using var supervisor = new TestSupervisor(settings, layout) { Validation = rules is null ? null : (rules, set.Plan, set.Measure) };
            var hash = supervisor.Run(Steps);
            (values, last) = (supervisor.Validations, supervisor.LastStep);
            return hash;
        }

        var every2 = new ValidationRules("loss", Every: 2, Patience: 0, KeepBest: true, HigherIsBetter: false);
        var every1 = every2 with { Every = 1 };
        var alone = new ParallelLayout(1);
        var plain = Run(alone, null, out _, out _);
        Assert.Equal(plain, Run(alone, every2, out var expected, out _));
        Assert.Equal([2, 4], expected.Keys);
        Assert.Equal(plain, Run(alone, every1, out var each, out _));
        Assert.Equal(expected[2], each[2]);
        // By one of the directions the second validation is no better than the first.
        var early = every1 with { Patience = 1, KeepBest = false, HigherIsBetter = each[2]["loss"] < each[1]["loss"] };
        var stopped = Run(alone, early, out var expectedEarly, out var last);
        Assert.Equal(2, last);
        Assert.Equal(each.Take(2), expectedEarly);
        foreach (var layout in Layouts)
        {
            Assert.Equal(plain, Run(layout, every2, out var values, out _));
            Assert.Equal(expected, values);
            Assert.Equal(stopped, Run(layout, early, out values, out last));
            Assert.Equal(2, last);
            Assert.Equal(expectedEarly, values);
        }
    }

    [Theory]
    [InlineData(Objective.Sft)]
    [InlineData(Objective.Dpo)]
    [InlineData(Objective.Kto)]
    public void The_losses_of_the_sources_are_the_same_on_every_layout_and_make_up_the_loss(Objective objective)
    {
        var settings = LayoutRun.Settings(objective, Precision.Fp32, Steps);
        var items = ObjectiveCatalog.Of(objective).TakesPairs ? 20 : 36;
        settings = settings with { Sources = [new("first", 11), new("second", items - 11)] };
        // As the run's own.
        var source = new DrawnSequences(36, LayoutRun.Config.VocabularySize, longest: 14);
        SortedDictionary<int, NamedValues> Run(ParallelLayout layout)
        {
            using var supervisor = new TestSupervisor(settings, layout);
            supervisor.Run(Steps);
            foreach (var (step, (metrics, _)) in supervisor.Steps)
            {
                Assert.Equal(["loss/first", "loss/second"], metrics.More.Select(value => value.Name).TakeLast(2));
                var counts = new long[2];
                for (var slot = 0; slot < settings.Plan.SlotsPerStep; slot++)
                    foreach (var item in settings.Plan.Sequences(step, slot).Span)
                        counts[item < 11 ? 0 : 1] += objective == Objective.Sft ? source.LossTokens(item) : 1;
                Assert.Equal(metrics.Loss, (counts[0] * metrics.More["loss/first"] + counts[1] * metrics.More["loss/second"]) / counts.Sum(), 1e-9);
            }
            return new(supervisor.Steps.ToDictionary(step => step.Key, step => step.Value.Metrics.More));
        }
        var alone = Run(new ParallelLayout(1));
        foreach (var layout in Layouts) Assert.Equal(alone, Run(layout));
    }

    [Theory]
    [InlineData(Objective.Sft)]
    [InlineData(Objective.Dpo)]
    [InlineData(Objective.Dpo, DpoLoss.Simpo)]
    [InlineData(Objective.Dpo, DpoLoss.Orpo)]
    [InlineData(Objective.Dpo, DpoLoss.Hinge, 0.5)]
    [InlineData(Objective.Kto)]
    public void A_validation_on_the_rows_of_the_next_step_has_its_figures(Objective objective, DpoLoss loss = DpoLoss.Sigmoid, double sftWeight = 0)
    {
        var dpo = new DpoRecipe { Loss = loss, SftWeight = sftWeight, Weighting = sftWeight == 0 ? DpoWeighting.None : DpoWeighting.Wpo };
        var source = DrawnRows.Of(objective, 8, LayoutRun.Config.VocabularySize, longest: 14);
        var settings = LayoutRun.Settings(objective, Precision.Fp32, Steps, dpo: dpo);
        settings = settings with
        {
            Recipe = settings.Recipe with { Batch = new() { Global = 8, Slot = 2 } },
            // Every step passes all rows.
            Plan = new BatchPlan(source, DrawnRows.Batches(objective, new BatchSettings(8, 2, Shuffle: false, Steps: Steps))),
            References = null,
        };
        if (ObjectiveCatalog.Of(objective).NeedsReference(settings.Recipe)) settings = TinyRun.WithReferences(settings);
        var set = SetOf(settings, source, slot: 3);
        using var supervisor = new TestSupervisor(settings, 2)
        {
            Validation = (new ValidationRules("loss", 1, 0, false, false), set.Plan, set.Measure),
        };
        supervisor.Run(Steps);
        for (var step = 1; step < Steps; step++)
        {
            var (values, metrics) = (supervisor.Validations[step], supervisor.Steps[step + 1].Metrics);
            Assert.Equal(["loss", .. metrics.More.Select(value => value.Name)], values.Select(value => value.Name));
            Assert.Equal(metrics.Loss, values["loss"], 1e-6);
            foreach (var value in metrics.More) Assert.Equal(value.Value, values[value.Name], 1e-5);
        }
        Assert.True(supervisor.Validations[Steps]["loss"] < supervisor.Validations[1]["loss"]);
    }

    // A run of two sources, one of which is passed one and a half times an epoch and the other by halves.
    private static (WorkerSettings Settings, (OnePassPlan Plan, ValidationMeasure Measure) Set) Make(Objective objective, Precision precision)
    {
        var settings = LayoutRun.Settings(objective, precision, Steps);
        if (objective == Objective.Sft)
        {
            settings = settings with
            {
                Plan = new BatchPlan(new DrawnSequences(36, LayoutRun.Config.VocabularySize, longest: 14), new BatchSettings(16, 2, Steps: Steps)
                {
                    Shares = [EpochShare.Weighted(0, 20, 1.5), EpochShare.Weighted(20, 16, 0.5)],
                }),
                Sources = [new("first", 20), new("second", 16)],
            };
        }
        return (settings, SetOf(settings, DrawnRows.Of(objective, 7, LayoutRun.Config.VocabularySize, longest: 14, seed: 9), slot: 2));
    }

    private static (OnePassPlan Plan, ValidationMeasure Measure) SetOf(WorkerSettings settings, ITokenSource source, int slot)
    {
        var descriptor = ObjectiveCatalog.Of(settings.Recipe.Objective);
        var plan = new OnePassPlan(source, slot, new SlotForm(descriptor.ScoredPerItem == 2, Packing: true, descriptor.TakesPairs ? DrawnPairs.All : null));
        if (!descriptor.NeedsReference(settings.Recipe)) return (plan, new ValidationMeasure(settings.Recipe, plan, null));
        using var supervisor = new TestSupervisor(settings, 1);
        var scores = supervisor.Score([.. Enumerable.Range(0, plan.SlotsPerStep).Select(chunk => plan.ReadPairs(chunk, plan.Sequences(1, chunk).ToArray()))]);
        var references = new ReferenceLogProbabilities([.. scores.SelectMany(values => values)]);
        return (plan, new ValidationMeasure(settings.Recipe, plan, () => references));
    }
}
