namespace Tulu2.Training.Recipes;

/// <summary>Low-rank adapters beside a frozen model; null: all weights are trained.</summary>
public sealed record LoraRecipe
{
    [Meaning("Train low-rank adapters of this rank beside the frozen model, in place of all its weights (docs/adapters.md). Any key of `lora` asks for them; `lora: {}` takes the paper's settings.")]
    [KnownAs(Trl = "lora_r", Torchtune = "model.lora_rank", LlamaFactory = "lora_rank")]
    public int Rank { get; init; } = 64;
    [Meaning("What the adapters add is scaled by alpha / rank.")]
    [KnownAs(Trl = "lora_alpha", Torchtune = "model.lora_alpha")]
    public double Alpha { get; init; } = 16;
    [Meaning("Share of a layer's inputs that its adapter does not see in a training step.")]
    [KnownAs(Trl = "lora_dropout", Torchtune = "model.lora_dropout")]
    public double Dropout { get; init; } = 0.1;
    [Meaning("Projections that have an adapter: all, or some of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj.")]
    [KnownAs(Trl = "lora_target_modules", Torchtune = "model.lora_attn_modules", LlamaFactory = "lora_target", Others = "target_modules, lora_target_linear")]
    public IReadOnlyList<string> Targets { get; init; } = [AllTargets];
    [Meaning("true: scale by alpha / sqrt(rank) instead (rsLoRA).")]
    [KnownAs(Trl = "use_rslora", LlamaFactory = "use_rslora", Others = "peft_use_rslora")]
    public bool Rslora { get; init; }
    [Meaning("nf4: every linear layer of the frozen model but the head is kept in 4 bits, and one matrix at a time is restored for its product (QLoRA); none: it is kept as precision says.")]
    [KnownAs(Trl = "load_in_4bit", Torchtune = "model.quantize_base", LlamaFactory = "quantization_bit", Others = "bnb_4bit_quant_type")]
    public Quantization Quantize { get; init; } = Quantization.None;
    [Meaning("With nf4: the scales of the blocks of 64 weights are kept in 8 bits, 4.127 bits a weight in place of 4.5.")]
    [KnownAs(Trl = "use_bnb_nested_quant", LlamaFactory = "double_quantization", Others = "bnb_4bit_use_double_quant")]
    public bool DoubleQuant { get; init; } = true;
    [Meaning("A PEFT folder whose adapters are trained on, in place of new ones; its rank, alpha and targets must be the recipe's. For dpo and kto the reference is the model without them.")]
    [KnownAs(LlamaFactory = "adapter_name_or_path", Others = "lora_model_dir")]
    [PathKey, NotInHash]
    public string? Adapter { get; init; }

    /// <summary>Stands for every projection.</summary>
    public const string AllTargets = "all";
}

public enum Quantization { None, Nf4 }
