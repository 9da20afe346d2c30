namespace Tulu2.Training.Recipes;

public sealed record DpoRecipe
{
    [Meaning("sigmoid: DPO's own; ipo: its identity form; hinge: no gradient once the margin is wide enough; robust: unbiased where the share label_smoothing of the pairs is in the wrong order; simpo: means per token and a target margin, without reference; orpo: fine-tuning on the chosen answers with the odds of the two beside it, without reference. Formulas, and what goes with what: docs/preferences.md.")]
    [KnownAs(Trl = "loss_type", Torchtune = "loss", LlamaFactory = "pref_loss", Others = "dpo_loss_type")]
    public DpoLoss Loss { get; init; } = DpoLoss.Sigmoid;
    [Meaning("How strongly the model is held to its reference; for simpo (where 2 to 2.5 is usual) the scale of the difference, for orpo the weight of the odds beside the fine-tuning.")]
    [KnownAs(Trl = "beta", Torchtune = "loss.beta", LlamaFactory = "pref_beta", Others = "dpo_beta")]
    public double Beta { get; init; } = 0.1;
    [Meaning("Share of pairs whose order is taken to be wrong, from 0 to below 0.5; sigmoid and robust only.")]
    [KnownAs(Trl = "label_smoothing", Torchtune = "loss.label_smoothing", LlamaFactory = "dpo_label_smoothing")]
    public double LabelSmoothing { get; init; }
    [Meaning("Compare mean log-probabilities per scored token in place of sums, of policy and reference; beta wants to be larger then (5 is usual). simpo and orpo do so always.")]
    [KnownAs(Others = "average_log_prob, dpo_norm")]
    public bool LengthNormalize { get; init; }
    [Meaning("simpo only: the target by which beta times the difference of the sides has to be positive; null: 0.5. Where others give a ratio of gamma to beta, it is that times beta.")]
    [KnownAs(Trl = "simpo_gamma", Others = "gamma_beta_ratio, dpo_gamma_beta_ratio")]
    public double? Gamma { get; init; }
    [Meaning("wpo: a pair counts as much as the policy itself would write its answers, at most 1; none: all pairs alike.")]
    [KnownAs(Trl = "use_weighting")]
    public DpoWeighting Weighting { get; init; } = DpoWeighting.None;
    [Meaning("Weight of fine-tuning on the chosen answers (the mean over all their scored tokens of a step), which is added to the loss.")]
    [KnownAs(Trl = "rpo_alpha, cpo_alpha", LlamaFactory = "pref_ftx")]
    public double SftWeight { get; init; }
    [Meaning("Adds this much per token by which the chosen answer is longer to beta times the margin, so that longer answers are not preferred for their length (R-DPO).")]
    public double LengthMargin { get; init; }
    [Meaning("Compute once what the two answers of a pair begin with alike, above all the prompt: less time and memory, the same log-probabilities. false: once for each answer, whose gradients are added in another order.")]
    public bool SharePrompt { get; init; } = true;
}

public enum DpoLoss { Sigmoid, Ipo, Hinge, Robust, Simpo, Orpo }

/// <summary>What the loss of a pair is multiplied by.</summary>
public enum DpoWeighting { None, Wpo }

public sealed record KtoRecipe
{
    [Meaning("How strongly the model is held to its reference.")]
    [KnownAs(Trl = "beta", LlamaFactory = "pref_beta")]
    public double Beta { get; init; } = 0.1;
    [Meaning("Weight of the losses of desirable answers. The fewer of the two kinds usually gets the greater weight, so that weight times number is 1 to 4/3 of the other's.")]
    [KnownAs(Trl = "desirable_weight", LlamaFactory = "kto_chosen_weight")]
    public double DesirableWeight { get; init; } = 1;
    [Meaning("Weight of the losses of undesirable answers.")]
    [KnownAs(Trl = "undesirable_weight", LlamaFactory = "kto_rejected_weight")]
    public double UndesirableWeight { get; init; } = 1;
}
