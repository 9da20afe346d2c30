using TorchSharp;
using Tulu2.Data.Slots;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder;

/// <summary>
/// The oracle: a plain Llama as textbooks write it, one matrix per projection, autograd for gradients, one segment at a time. Shares with the product only
/// the table that says which Hugging Face row lies where. Its scalars are held, as the product's are (<see cref="HeldScalars"/>).
/// </summary>
internal sealed class AutogradLlama : IDisposable
{
    private readonly ParameterMap _layout;
    private readonly Dictionary<string, Tensor> _weights = [];
    private readonly Scalar _epsilon, _attentionScale;
    private Scalar _adapterScale = HeldScalars.One;
    private Adapters? _adapters;
    private int _start;     // row of the batch at which the segment begins

    /// <summary>Low-rank adapters, which alone have a gradient then.</summary>
    /// <param name="Factors">Of a projection, by the segment's first row and its input's shape: what dropout multiplies the input by; null: nothing.</param>
    public sealed record Adapters(ParameterMap Map, Tensor Flat, AdapterSettings Settings, Func<string, int, long[], Tensor>? Factors = null);

    public AutogradLlama(ParameterMap layout, Tensor flat, ScalarType type = ScalarType.Float64)
    {
        _layout = layout;
        (_epsilon, _attentionScale) = (layout.Config.RmsNormEpsilon.ToScalar(), Math.Sqrt(layout.Config.HeadSize).ToScalar());
        Read(layout, flat, type);
    }

    /// <summary>A model with adapters.</summary>
    public AutogradLlama(ParameterMap frozen, Tensor flat, Adapters adapters, ScalarType type = ScalarType.Float64) : this(frozen, flat, type)
    {
        foreach (var weight in _weights.Values) weight.requires_grad_(false);
        (_adapters, _adapterScale) = (adapters, adapters.Settings.Scale.ToScalar());
        Read(adapters.Map, adapters.Flat, type);
    }

    private void Read(ParameterMap layout, Tensor flat, ScalarType type)
    {
        foreach (var name in layout.Slices.GroupBy(slice => slice.Slice.Name))
        {
            using var scope = NewDisposeScope();
            var shape = name.First().Slice.Shape;
            var whole = zeros(shape, dtype: type);
            foreach (var slice in name) View(whole, slice).copy_(Flat(flat, slice).to_type(type));
            _weights.Add(name.Key, whole.detach().requires_grad_(true).DetachFromDisposeScope());
        }
    }

    /// <summary>[R]: log-probabilities, with the gradient of sum(coefficients x log-probabilities) in the flat layout.</summary>
    public (Tensor LogProbabilities, Tensor Gradient) Run(SlotBatch batch, Tensor coefficients)
    {
        var (logProbabilities, _) = Forward(batch);
        (logProbabilities * coefficients.to_type(logProbabilities.dtype)).sum().backward();
        var trained = _adapters?.Map ?? _layout;
        var gradient = zeros([trained.Length], dtype: logProbabilities.dtype);
        foreach (var slice in trained.Slices) Flat(gradient, slice).copy_(View(_weights[slice.Slice.Name].grad!, slice));
        return (logProbabilities.detach(), gradient);
    }

    /// <summary>[R] log-probabilities and [R, C] logits of the scored rows.</summary>
    public (Tensor LogProbabilities, Tensor Logits) Forward(SlotBatch batch)
    {
        var config = _layout.Config;
        var embedding = _weights["model.embed_tokens.weight"];
        var pieces = new List<Tensor>();
        var start = 0;
        foreach (var length in batch.SegmentLengths)
        {
            _start = start;
            var ids = tensor(batch.Ids.Skip(start).Take(length).Select(id => (long)id).ToArray());
            var x = embedding.index_select(0, ids);
            for (var layer = 0; layer < config.Layers; layer++)
            {
                x = x.Plus(Attend(Norm(x, $"model.layers.{layer}.input_layernorm.weight"), $"model.layers.{layer}.self_attn."));
                var y = Norm(x, $"model.layers.{layer}.post_attention_layernorm.weight");
                Tensor Project(string name, Tensor input) => Linear(input, $"model.layers.{layer}.mlp.{name}_proj");
                x = x.Plus(Project("down", nn.functional.silu(Project("gate", y)) * Project("up", y)));
            }
            pieces.Add(x);
            start += length;
        }
        var rows = tensor(batch.ScoredRows.Select(row => (long)row).ToArray());
        var hidden = Norm(cat(pieces, 0).index_select(0, rows), "model.norm.weight");
        var logits = hidden.matmul((config.TieEmbeddings ? embedding : _weights["lm_head.weight"]).t());
        var targets = tensor(batch.Targets.Select(id => (long)id).ToArray()).unsqueeze(1);
        return (nn.functional.log_softmax(logits, 1).gather(1, targets).squeeze(1), logits);
    }

    private Tensor Norm(Tensor x, string name) => x * x.pow(HeldScalars.Two).mean([-1], keepdim: true).Plus(_epsilon).rsqrt() * _weights[name];

    private Tensor Linear(Tensor input, string name)
    {
        var product = input.matmul(_weights[name + ".weight"].t());
        if (_weights.TryGetValue(name + ".bias", out var bias)) product = product.Plus(bias);
        if (!_weights.TryGetValue($"base_model.model.{name}.lora_A.weight", out var a)) return product;
        var seen = _adapters!.Factors is { } factors ? input * factors(name, _start, input.shape).to_type(input.dtype) : input;
        return product.Plus(seen.matmul(a.t()).matmul(_weights[$"base_model.model.{name}.lora_B.weight"].t()).mul(_adapterScale));
    }

    private Tensor Attend(Tensor x, string prefix)
    {
        var config = _layout.Config;
        var length = x.shape[0];
        Tensor Heads(string name, int heads) => Linear(x, prefix + name + "_proj").view(length, heads, config.HeadSize).transpose(0, 1);
        Tensor q = Rotate(Heads("q", config.Heads)), k = Rotate(Heads("k", config.KeyValueHeads)), v = Heads("v", config.KeyValueHeads);
        var group = config.Heads / config.KeyValueHeads;
        k = k.repeat_interleave(group, 0);
        v = v.repeat_interleave(group, 0);
        var scores = q.matmul(k.transpose(1, 2)).div(_attentionScale);
        scores = scores.Plus(full([length, length], HeldScalars.NegativeInfinity, dtype: x.dtype).triu(1));
        var output = scores.softmax(-1).matmul(v).transpose(0, 1).reshape(length, -1);
        return Linear(output, prefix + "o_proj");
    }

    private Tensor Rotate(Tensor heads)
    {
        var half = _layout.Config.HeadSize / 2;
        var frequencies = tensor(Enumerable.Range(0, half).Select(index => Math.Pow(_layout.Config.RopeTheta, -(double)index / half)).ToArray());
        var positions = tensor(Enumerable.Range(0, (int)heads.shape[1]).Select(position => (double)position).ToArray());
        var angles = (positions.unsqueeze(1) * frequencies).to_type(heads.dtype);
        Tensor cosine = cat([angles, angles], 1).cos(), sine = cat([angles, angles], 1).sin();
        var turned = cat([-heads.narrow(2, half, half), heads.narrow(2, 0, half)], 2);
        return (heads * cosine).Plus(turned * sine);
    }

    private static Tensor View(Tensor whole, ParameterSlice slice)
    {
        for (var d = 0; d < slice.Slice.Begin.Length; d++) whole = whole.narrow(d, slice.Slice.Begin[d], slice.Slice.Size[d]);
        return whole;
    }

    private static Tensor Flat(Tensor flat, ParameterSlice slice)
    {
        var shape = slice.Slice.Size;
        return shape.Length == 1 ? flat.narrow(0, slice.Offset, shape[0]) : flat.as_strided(shape, [slice.RowStride, 1], slice.Offset);
    }

    public void Dispose()
    {
        foreach (var weight in _weights.Values) weight.Dispose();
        _epsilon.Dispose();
        _attentionScale.Dispose();
    }
}
