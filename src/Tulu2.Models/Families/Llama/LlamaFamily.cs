using System.Text.Json.Nodes;

namespace Tulu2.Models.Families.Llama;

/// <summary>Llama and Llama-2, TÜLU 2, Code Llama: the plain decoder without biases (transformers' <c>LlamaForCausalLM</c>).</summary>
internal sealed class LlamaFamily : ModelFamily
{
    public static readonly LlamaFamily Instance = new();

    public override string Name => "llama";
    public override IReadOnlyList<string> ModelTypes => ["llama"];
    public override string Architecture => "LlamaForCausalLM";
    public override bool ReadsUntyped => true;
    public override IReadOnlyDictionary<string, ModelPreset> Presets => LlamaPresets.All;

    public override ModelConfig Read(ConfigFile file)
    {
        file.RefuseTrue("attention_bias", "biases are not supported", "choose a model without them");
        file.RefuseTrue("mlp_bias", "biases are not supported", "choose a model without them");
        return new LlamaConfig(file.Shape());
    }

    public override void Write(ModelConfig config, JsonObject json)
    {
        json.TryAdd("hidden_act", "silu");
        json.TryAdd("attention_bias", false);
        json.TryAdd("attention_dropout", 0.0);
        json.TryAdd("mlp_bias", false);
        json.TryAdd("rope_scaling", null);
        json.TryAdd("pretraining_tp", 1);
        json.TryAdd("use_cache", true);
    }
}
