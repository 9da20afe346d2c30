using System.Runtime.InteropServices;
using System.Text;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Inference;

namespace Tulu2.Benchmarks.LlamaCpp;

/// <summary>
/// Writes a model as llama.cpp reads it: GGUF version 3, architecture <c>llama</c>, a vocabulary of names without meaning. Queries and keys are reordered to
/// neighbouring pairs (<see cref="RotaryOrder"/>), as llama.cpp turns them.
/// </summary>
internal static unsafe class GgufWriter
{
    private const int Alignment = 32;
    private const uint Single = 0, Brain = 30;
    private const uint TypeUint32 = 4, TypeInt32 = 5, TypeFloat32 = 6, TypeString = 8, TypeArray = 9;

    /// <param name="isBrain">Matrices in bf16; otherwise in fp32. Norms are fp32.</param>
    public static void Write(string path, IWeightSource source, bool isBrain)
    {
        var config = source.Config;
        var tensors = config.Family.Tensors(config);
        using var stream = new BinaryWriter(new BufferedStream(File.Create(path), 1 << 20), Encoding.UTF8);
        var metadata = Metadata(config, isBrain);
        stream.Write("GGUF"u8);
        stream.Write(3u);
        stream.Write((ulong)tensors.Count);
        stream.Write((ulong)metadata.Count);
        foreach (var write in metadata) write(stream);
        var offset = 0L;
        foreach (var tensor in tensors)
        {
            Text(stream, NameOf(tensor.Name));
            stream.Write((uint)tensor.Shape.Length);
            foreach (var size in tensor.Shape.Reverse()) stream.Write((ulong)size);
            stream.Write(IsBrain(tensor) ? Brain : Single);
            stream.Write((ulong)offset);
            offset = Aligned(offset + tensor.Length * (IsBrain(tensor) ? 2 : 4));
        }
        Pad(stream);
        foreach (var tensor in tensors)
        {
            stream.Write(Bytes(source, tensor, IsBrain(tensor)));
            Pad(stream);
        }

        bool IsBrain(ModelTensor tensor) => isBrain && tensor.Shape.Length > 1;
    }

    private static List<Action<BinaryWriter>> Metadata(ModelConfig config, bool isBrain)
    {
        var all = new List<Action<BinaryWriter>>();
        Add("general.architecture", TypeString, stream => Text(stream, "llama"));
        Number("general.file_type", isBrain ? 32u : 0u);
        Number("llama.block_count", (uint)config.Layers);
        Number("llama.context_length", (uint)config.MaxPositions);
        Number("llama.embedding_length", (uint)config.HiddenSize);
        Number("llama.feed_forward_length", (uint)config.IntermediateSize);
        Number("llama.attention.head_count", (uint)config.Heads);
        Number("llama.attention.head_count_kv", (uint)config.KeyValueHeads);
        Number("llama.attention.key_length", (uint)config.HeadSize);
        Number("llama.attention.value_length", (uint)config.HeadSize);
        Number("llama.rope.dimension_count", (uint)config.HeadSize);
        Number("llama.vocab_size", (uint)config.VocabularySize);
        Add("llama.attention.layer_norm_rms_epsilon", TypeFloat32, stream => stream.Write((float)config.RmsNormEpsilon));
        Add("llama.rope.freq_base", TypeFloat32, stream => stream.Write((float)config.RopeTheta));
        Add("tokenizer.ggml.model", TypeString, stream => Text(stream, "llama"));
        Array("tokenizer.ggml.tokens", TypeString, (stream, id) => Text(stream,
            id switch { 0 => "<unk>", 1 => "<s>", 2 => "</s>", < 259 => $"<0x{id - 3:X2}>", _ => $"t{id}" }));
        Array("tokenizer.ggml.scores", TypeFloat32, (stream, id) => stream.Write(-(float)id));
        // Unknown, control, byte, normal.
        Array("tokenizer.ggml.token_type", TypeInt32, (stream, id) => stream.Write(id switch { 0 => 2, 1 or 2 => 3, < 259 => 6, _ => 1 }));
        Number("tokenizer.ggml.bos_token_id", 1);
        Number("tokenizer.ggml.eos_token_id", 2);
        return all;

        void Add(string key, uint type, Action<BinaryWriter> value) => all.Add(stream =>
        {
            Text(stream, key);
            stream.Write(type);
            value(stream);
        });

        void Number(string key, uint value) => Add(key, TypeUint32, stream => stream.Write(value));

        void Array(string key, uint type, Action<BinaryWriter, int> element) => Add(key, TypeArray, stream =>
        {
            stream.Write(type);
            stream.Write((ulong)config.VocabularySize);
            for (var id = 0; id < config.VocabularySize; id++) element(stream, id);
        });
    }

    private static byte[] Bytes(IWeightSource source, ModelTensor tensor, bool isBrain)
    {
        var config = source.Config;
        var values = (float*)NativeMemory.Alloc((nuint)tensor.Length, sizeof(float));
        try
        {
            source.Read(tensor, 0, (int)tensor.Shape[0], values);
            var all = new Span<float>(values, checked((int)tensor.Length));
            if (tensor.Name.EndsWith("q_proj.weight", StringComparison.Ordinal)) RotaryOrder.HalvesToInterleaved(all, config.Heads, config.HeadSize,
                (int)tensor.Shape[1]);
            if (tensor.Name.EndsWith("k_proj.weight", StringComparison.Ordinal)) RotaryOrder.HalvesToInterleaved(all, config.KeyValueHeads, config.HeadSize,
                (int)tensor.Shape[1]);
            var bytes = new byte[tensor.Length * (isBrain ? 2 : 4)];
            SafetensorsTypes.FromSingle(isBrain ? "BF16" : "F32", all, bytes);
            return bytes;
        }
        finally
        {
            NativeMemory.Free(values);
        }
    }

    private static string NameOf(string name) => name switch
    {
        "model.embed_tokens.weight" => "token_embd.weight",
        "model.norm.weight" => "output_norm.weight",
        "lm_head.weight" => "output.weight",
        _ => name.Replace("model.layers.", "blk.", StringComparison.Ordinal).Replace("input_layernorm", "attn_norm", StringComparison.Ordinal)
            .Replace("post_attention_layernorm", "ffn_norm", StringComparison.Ordinal).Replace("self_attn.q_proj", "attn_q", StringComparison.Ordinal)
            .Replace("self_attn.k_proj", "attn_k", StringComparison.Ordinal).Replace("self_attn.v_proj", "attn_v", StringComparison.Ordinal)
            .Replace("self_attn.o_proj", "attn_output", StringComparison.Ordinal).Replace("mlp.gate_proj", "ffn_gate", StringComparison.Ordinal)
            .Replace("mlp.up_proj", "ffn_up", StringComparison.Ordinal).Replace("mlp.down_proj", "ffn_down", StringComparison.Ordinal),
    };

    private static void Text(BinaryWriter stream, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        stream.Write((ulong)bytes.Length);
        stream.Write(bytes);
    }

    private static void Pad(BinaryWriter stream)
    {
        stream.Flush();
        var position = stream.BaseStream.Position;
        for (var at = position; at < Aligned(position); at++) stream.Write((byte)0);
    }

    private static long Aligned(long offset) => (offset + Alignment - 1) / Alignment * Alignment;
}
