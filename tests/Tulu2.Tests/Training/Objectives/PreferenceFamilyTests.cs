using FsCheck.Xunit;
using Tulu2.Files;
using Tulu2.Training.Objectives;
using Tulu2.Training.Objectives.Preferences;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Training.Objectives;

/// <summary>Every loss of <c>dpo.loss</c> with every combination of keys that it accepts (docs/preferences.md).</summary>
public class PreferenceFamilyTests
{
    private const int Pairs = 4;

    private static readonly PairLogProbabilities Known = new(-10, -12, -11, -11.5) { ChosenTokens = 5, RejectedTokens = 8 };

    /// <summary>Each combination of the keys beside loss and beta, where the loss takes it.</summary>
    private static readonly IReadOnlyList<DpoRecipe> Accepted =
    [
        .. from loss in Enum.GetValues<DpoLoss>()
           from smoothing in new[] { 0, 0.125 }
           from normalize in new[] { false, true }
           from gamma in new double?[] { null, 0.75 }
           from weighting in Enum.GetValues<DpoWeighting>()
           from sft in new[] { 0, 0.3 }
           from margin in new[] { 0, 0.05 }
           let settings = new DpoRecipe
           {
               Loss = loss,
               Beta = 0.5,
               LabelSmoothing = smoothing,
               LengthNormalize = normalize,
               Gamma = gamma,
               Weighting = weighting,
               SftWeight = sft,
               LengthMargin = margin,
           }
           where Refusal(settings) is null
           select settings,
    ];

    // Computed from the formulas in Python.
    [Theory]
    [InlineData("loss: hinge", 0.85, -0.1, 0.1, 0.1, -0.05)]
    [InlineData("loss: robust, label_smoothing: 0.1", 0.602207047790, -0.058757015466, 0.058757015466, 0.1, -0.05)]
    [InlineData("length_normalize: true", 0.680108310900, -0.009868757536, 0.006167973460, 0.02, -0.00625)]
    [InlineData("loss: ipo, length_normalize: true", 22.44390625, -1.895, 1.184375, 0.02, -0.00625)]
    [InlineData("loss: simpo, beta: 2", 1.701413277983, -0.327029790477, 0.204393619048, -4, -3)]
    [InlineData("loss: simpo, beta: 2, gamma: 1", 2.126928011043, -0.352318831191, 0.220199269494, -4, -3)]
    [InlineData("loss: orpo", 0.104205780793, -0.014971627719, 0.010414741937, -0.2, -0.15)]
    [InlineData("weighting: wpo", 0.018751278061, -0.001396840832, 0.001396840832, 0.1, -0.05)]
    [InlineData("length_margin: 0.05", 0.693147180560, -0.05, 0.05, 0.1, -0.05)]
    [InlineData("loss: hinge, length_margin: 0.05", 1, -0.1, 0.1, 0.1, -0.05)]
    public void The_known_pair_has_the_known_loss_derivatives_and_rewards(string keys, double loss, double byChosen, double byRejected, double chosen, double rejected)
    {
        var settings = Settings(keys);
        var outcome = Evaluate(PreferenceLosses.Of(settings.Loss).NeedsReference ? Known : Known with { ReferenceChosen = 0, ReferenceRejected = 0 }, settings);
        Assert.Equal(loss, outcome.Loss, 1e-11);
        Assert.Equal(byChosen, outcome.ByChosen, 1e-11);
        Assert.Equal(byRejected, outcome.ByRejected, 1e-11);
        Assert.Equal(chosen, outcome.RewardChosen, 1e-12);
        Assert.Equal(rejected, outcome.RewardRejected, 1e-12);
    }

    [Theory]
    [InlineData("sft_weight: 0.2", 0.620957047790 + 0.2 * 2)]
    [InlineData("loss: orpo", 0.104205780793 + 2)]
    public void Fine_tuning_adds_the_token_mean_of_the_chosen_answers(string keys, double loss)
    {
        var settings = Settings(keys);
        var totals = new PreferenceTotals(PreferenceLosses.Of(settings.Loss).SftWeight(settings));
        totals.Add(Known, Evaluate(Known, settings));
        Assert.Equal(loss, totals.Loss, 1e-11);
        // Tokens count alike, not answers: (10 + 30) / (5 + 15) and not the mean of 2 and 2.
        var other = Known with { PolicyChosen = -30, ChosenTokens = 10 };
        totals.Add(other, Evaluate(other, settings));
        var pairs = (Evaluate(Known, settings).Loss + Evaluate(other, settings).Loss) / 2;
        Assert.Equal(pairs + (settings.Loss == DpoLoss.Orpo ? 1 : 0.2) * 40 / 15, totals.Loss, 1e-11);
        Assert.Equal(7.5, totals.Metrics["length_chosen"]);
        Assert.Equal(8, totals.Metrics["length_rejected"]);
    }

    [Property(MaxTest = 1000)]
    public bool A_step_has_the_derivatives_of_finite_differences(ushort which, ulong seed)
    {
        var settings = Accepted[which % Accepted.Count];
        var (loss, (segments_R, values_R, references_S)) = (PreferenceLosses.Of(settings.Loss), Draw(settings, seed));
        var pairs = PairsOf(segments_R, values_R, references_S);
        var coefficients_R = Of(settings, segments_R, slots: 1).Coefficients(new ScoredSlot(1, 0, segments_R, 2 * Pairs, references_S), values_R);
        const double step = 1e-4;
        // At its edge the hinge has no derivative.
        if (settings.Loss == DpoLoss.Hinge && pairs.Any(pair => IsZero(pair, step) != IsZero(pair, -step))) return true;
        for (var row = 0; row < values_R.Length; row++)
        {
            var difference = (LossWith(row, step) - LossWith(row, -step)) / (2 * step);
            if (Math.Abs(difference - coefficients_R[row]) > 2e-7 * Math.Max(1, Math.Abs(difference))) return false;
        }
        return true;

        bool IsZero(PairLogProbabilities pair, double change) => loss.Evaluate(pair with { PolicyChosen = pair.PolicyChosen + change }, settings).Loss == 0;

        // Weights of pairs stay what they were: no gradient passes through them.
        double LossWith(int row, double change)
        {
            var totals = new PreferenceTotals(loss.SftWeight(settings));
            foreach (var (index, pair) in pairs.Index())
            {
                var moved = segments_R[row] == 2 * index ? pair with { PolicyChosen = pair.PolicyChosen + change }
                    : segments_R[row] == 2 * index + 1 ? pair with { PolicyRejected = pair.PolicyRejected + change } : pair;
                var outcome = loss.Evaluate(moved, settings);
                var weight = settings.Weighting == DpoWeighting.Wpo ? PairWeights.OfPolicy(pair) : 1;
                totals.Add(moved, outcome with { Loss = weight * outcome.Loss });
            }
            return totals.Loss;
        }
    }

    [Property(MaxTest = 300)]
    public void However_a_step_is_cut_into_slots_its_figures_and_derivatives_are_the_same(ushort which, ulong seed)
    {
        var settings = Accepted[which % Accepted.Count];
        var (segments_R, values_R, references_S) = Draw(settings, seed);
        var (wholeCoefficients_R, wholeLoss, wholeMore) = Cut(1);
        foreach (var slots in new[] { 2, 4 })
        {
            var (coefficients_R, loss, more) = Cut(slots);
            Assert.Equal(wholeCoefficients_R, coefficients_R);
            Assert.Equal(wholeLoss, loss);
            Assert.Equal(wholeMore, more);
        }

        (float[] Coefficients_R, double Loss, double[] More) Cut(int slots)
        {
            var (objective, perSlot) = (Of(settings, segments_R, slots), 2 * Pairs / slots);
            var (coefficients, figures, items) = (new List<float>(), new List<double[]>(), new List<double>());
            for (var slot = 0; slot < slots; slot++)
            {
                int[] rows = [.. Enumerable.Range(0, segments_R.Length).Where(row => segments_R[row] / perSlot == slot)];
                var scored = new ScoredSlot(1, slot, [.. rows.Select(row => segments_R[row] - slot * perSlot)], perSlot,
                    references_S.Length == 0 ? [] : references_S[(slot * perSlot)..((slot + 1) * perSlot)]);
                float[] values = [.. rows.Select(row => values_R[row])];
                coefficients.AddRange(objective.Coefficients(scored, values));
                figures.Add(objective.Figures(scored, values));
                items.AddRange(objective.ItemLosses(scored, values).Select(item => item.Loss));
            }
            var (loss, more) = objective.Summarize(1, figures);
            // The losses of the sources make up the loss of the step.
            Assert.Equal(Pairs, items.Count);
            Assert.Equal(loss, items.Average(), 1e-9 * Math.Max(1, Math.Abs(loss)));
            return ([.. coefficients], loss, [.. more.Select(value => value.Value)]);
        }
    }

    [Theory]
    [InlineData("loss: ipo, label_smoothing: 0.1", "dpo.label_smoothing", "dpo.loss: sigmoid or robust")]
    [InlineData("loss: hinge, label_smoothing: 0.1", "dpo.label_smoothing", "dpo.loss: sigmoid or robust")]
    [InlineData("loss: simpo, label_smoothing: 0.1", "dpo.label_smoothing", "dpo.loss: sigmoid or robust")]
    [InlineData("loss: orpo, label_smoothing: 0.1", "dpo.label_smoothing", "dpo.loss: sigmoid or robust")]
    [InlineData("loss: simpo, length_normalize: true", "dpo.length_normalize", "dpo.loss: sigmoid or ipo or hinge or robust")]
    [InlineData("loss: orpo, length_normalize: true", "dpo.length_normalize", "dpo.loss: sigmoid or ipo or hinge or robust")]
    [InlineData("loss: ipo, length_margin: 0.1", "dpo.length_margin", "dpo.loss: sigmoid or hinge or robust or simpo")]
    [InlineData("loss: orpo, length_margin: 0.1", "dpo.length_margin", "dpo.loss: sigmoid or hinge or robust or simpo")]
    [InlineData("loss: orpo, weighting: wpo", "dpo.weighting", "dpo.loss: sigmoid or ipo or hinge or robust or simpo")]
    [InlineData("loss: orpo, sft_weight: 1", "dpo.sft_weight", "dpo.loss: sigmoid or ipo or hinge or robust or simpo")]
    [InlineData("gamma: 1", "dpo.gamma", "dpo.loss: simpo")]
    [InlineData("loss: ipo, gamma: 0.5", "dpo.gamma", "dpo.loss: simpo")]
    [InlineData("loss: hinge, gamma: 0.5", "dpo.gamma", "dpo.loss: simpo")]
    [InlineData("loss: robust, gamma: 0.5", "dpo.gamma", "dpo.loss: simpo")]
    [InlineData("loss: orpo, gamma: 0.5", "dpo.gamma", "dpo.loss: simpo")]
    [InlineData("loss: simpo, gamma: -1", "dpo.gamma", "use 0 or more")]
    [InlineData("sft_weight: -1", "dpo.sft_weight", "use 0 or more")]
    [InlineData("length_margin: -0.1", "dpo.length_margin", "use 0 or more")]
    [InlineData("loss: robust, label_smoothing: 0.5", "dpo.label_smoothing", "use 0 for labels")]
    public void What_a_loss_has_no_use_for_is_refused_by_name_with_the_losses_that_have(string keys, string where, string fix)
    {
        var refused = Refusal(Settings(keys))!;
        Assert.Equal(where, refused.Where);
        Assert.Contains(fix, refused.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_combination_is_either_refused_or_computed()
    {
        // By loss: which of the keys it takes, of label_smoothing, length_normalize, gamma, weighting, sft_weight, length_margin.
        Assert.Equal(
            new Dictionary<DpoLoss, int>
            {
                [DpoLoss.Sigmoid] = 32,
                [DpoLoss.Ipo] = 8,
                [DpoLoss.Hinge] = 16,
                [DpoLoss.Robust] = 32,
                [DpoLoss.Simpo] = 16,
                [DpoLoss.Orpo] = 1,
            },
            Accepted.CountBy(settings => settings.Loss).ToDictionary());
        Assert.All(Enum.GetValues<DpoLoss>(), loss =>
            Assert.Equal(loss is not (DpoLoss.Simpo or DpoLoss.Orpo), ObjectiveCatalog.Of(Objective.Dpo).NeedsReference(Recipe(new DpoRecipe { Loss = loss }))));
    }

    [Property(MaxTest = 200)]
    public bool Robust_is_unbiased_where_labels_are_wrong_as_often_as_it_is_told(short a, byte smoothing)
    {
        var (x, e) = (a / 500.0, smoothing / 600.0);
        var robust = new DpoRecipe { Loss = DpoLoss.Robust, LabelSmoothing = e };
        double Loss(double margin, DpoRecipe settings) => Evaluate(new PairLogProbabilities(margin, 0, 0, 0), settings).Loss;
        var expected = Loss(x, new DpoRecipe());
        return Math.Abs((1 - e) * Loss(x, robust) + e * Loss(-x, robust) - expected) < 1e-12 * Math.Max(1, expected) * 10;
    }

    [Fact]
    public void A_weight_is_at_most_1_and_the_odds_of_a_certain_answer_are_finite()
    {
        Assert.Equal(1, PairWeights.OfPolicy(new PairLogProbabilities(0.25, 0.25, 0, 0) { ChosenTokens = 1, RejectedTokens = 1 }));
        var orpo = new DpoRecipe { Loss = DpoLoss.Orpo };
        foreach (var (chosen, rejected) in new[] { (0.0, -3.0), (-3.0, 0.0), (0.0, 0.0), (-1e-30, -900) })
        {
            var outcome = Evaluate(new PairLogProbabilities(chosen, rejected, 0, 0) { ChosenTokens = 1, RejectedTokens = 1 }, orpo);
            Assert.True(double.IsFinite(outcome.Loss) && double.IsFinite(outcome.ByChosen) && double.IsFinite(outcome.ByRejected), $"{outcome}");
        }
        Assert.Equal(1e-12, Logistic.OneMinusExp(-1e-12), 1e-24);
        Assert.Equal(0.6321205588285577, Logistic.OneMinusExp(-1), 1e-15);
        Assert.Equal(1, Logistic.OneMinusExp(-800));
    }

    private static DpoRecipe Settings(string keys) => Tulu2.Training.Recipes.Reading.RecipeReader.Parse("r.yaml", $"dpo: {{ {keys} }}", "/", [], "/").Recipe.Dpo;

    private static Recipe Recipe(DpoRecipe settings) => new() { Objective = Objective.Dpo, Dpo = settings };

    private static PairOutcome Evaluate(PairLogProbabilities pair, DpoRecipe settings) =>
        PairWeights.Apply(settings.Weighting, pair, PreferenceLosses.Of(settings.Loss).Evaluate(pair, settings));

    private static BadInputException? Refusal(DpoRecipe settings)
    {
        try
        {
            ObjectiveCatalog.Of(Objective.Dpo).Create(Recipe(settings), new CountedPlan(1, [1]));
            return null;
        }
        catch (BadInputException refused)
        {
            return refused;
        }
    }

    private static IObjective Of(DpoRecipe settings, int[] segments_R, int slots) => ObjectiveCatalog.Of(Objective.Dpo).Create(
        Recipe(settings), new CountedPlan(1, new int[slots], slotSequences: Pairs / slots) { ChosenTokens = segments_R.Count(segment => segment % 2 == 0) });

    // Four pairs of one to six scored tokens a side. Multiples of 1/256, so that sums are exact in fp32 too.
    private static (int[] Segments_R, float[] Values_R, float[] References_S) Draw(DpoRecipe settings, ulong seed)
    {
        var random = new Random((int)(seed % int.MaxValue));
        int[] segments_R = [.. Enumerable.Range(0, 2 * Pairs).SelectMany(segment => Enumerable.Repeat(segment, random.Next(1, 7)))];
        float[] values_R = [.. segments_R.Select(_ => -random.Next(20, 800) / 256f)];
        var references = PreferenceLosses.Of(settings.Loss).NeedsReference ? 2 * Pairs : 0;
        return (segments_R, values_R, [.. Enumerable.Range(0, references).Select(_ => -random.Next(100, 2000) / 256f)]);
    }

    private static PairLogProbabilities[] PairsOf(int[] segments_R, float[] values_R, float[] references_S)
    {
        var sums_S = SegmentSums.Of(values_R, segments_R, 2 * Pairs);
        return
        [
            .. Enumerable.Range(0, Pairs).Select(pair => new PairLogProbabilities(
                sums_S[2 * pair], sums_S[2 * pair + 1], references_S.ElementAtOrDefault(2 * pair), references_S.ElementAtOrDefault(2 * pair + 1))
            {
                ChosenTokens = segments_R.Count(segment => segment == 2 * pair),
                RejectedTokens = segments_R.Count(segment => segment == 2 * pair + 1),
            }),
        ];
    }
}
