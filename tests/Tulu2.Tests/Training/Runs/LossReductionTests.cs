using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Models.Parameters;
using Tulu2.Tests.Training.Optimization;
using Tulu2.Training.Objectives;
using Tulu2.Training.Optimization;
using Tulu2.Training.Slots;
using Tulu2.Training.Steps;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Runs;

/// <summary>Loss reduction (docs/reference/tulu2.md, SFT): the loss of a batch is one thing, however it is cut into slots.</summary>
public class LossReductionTests
{
    private const int Rows = 16;

    [Fact]
    public void Sixteen_rows_have_one_gradient_as_16_4_or_1_slots()
    {
        var (loss, gradient) = Step(LossReduction.TokenMean, 16);
        foreach (var slot in new[] { 4, 1 })
        {
            var (sameLoss, same) = Step(LossReduction.TokenMean, slot);
            Assert.Equal(loss, sameLoss, 1e-6);
            Assert.True(Distance(gradient, same) < 1e-6, $"slot {slot}: {Distance(gradient, same)}");
        }
    }

    [Fact]
    public void The_two_legacy_reductions_have_others()
    {
        var (_, exact) = Step(LossReduction.TokenMean, 1);
        var (_, slots) = Step(LossReduction.SlotMean, 1);
        Assert.True(Distance(exact, slots) > 1e-3);

        // Groups of 32 need more than one group to differ.
        var (_, wide) = Step(LossReduction.TokenMean, 4, 64);
        var (_, groups) = Step(LossReduction.GroupMean, 4, 64);
        Assert.True(Distance(wide, groups) > 1e-4);
        Assert.True(Distance(wide, groups) < Distance(exact, slots));
    }

    private static (double Loss, float[] Gradient) Step(LossReduction reduction, int slotRows, int rows = Rows)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(GradientNormTests.Tiny, 4);
        var plan = new BatchPlan(new DrawnSequences(rows, GradientNormTests.Tiny.VocabularySize), new BatchSettings(rows, slotRows, Steps: 1));
        var weights = zeros(layout.Length);
        RandomWeights.Fill(layout, 5, FlatMemory.Address(weights));
        using var slots = new ModelSlots(new DecoderModel(layout, weights), weights, new SlotObjective(new SftDescriptor(), new SftObjective(reduction, plan, slotRows)), onDevice: false);
        using var held = new HeldGradients(plan.SlotsPerStep, layout.Length);
        var figures = new double[plan.SlotsPerStep][];
        for (var slot = 0; slot < plan.SlotsPerStep; slot++)
        {
            var gradient = held.Rent();
            figures[slot] = slots.Compute(plan.Read(1, slot), gradient);
            held.Add(slot, gradient, figures[slot]);
        }
        return (slots.Summarize(1, figures).Loss, held.Total.data<float>().ToArray());
    }

    // Relative to the longer gradient.
    private static double Distance(float[] one, float[] other)
    {
        double difference = 0, length = 0;
        for (var index = 0; index < one.Length; index++)
        {
            difference += Math.Pow((double)one[index] - other[index], 2);
            length += Math.Pow(one[index], 2);
        }
        return Math.Sqrt(difference / length);
    }
}
