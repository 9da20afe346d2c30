using System.Text.Json.Nodes;
using Tulu2.Checkpoints.Safetensors;

namespace Tulu2.Tests.Runs;

/// <summary>Models whose embedding has more rows than their tokenizer has ids.</summary>
internal static unsafe class WiderModel
{
    private static readonly string[] Vocabularies = ["model.embed_tokens.weight", "lm_head.weight"];

    /// <summary>Copies a model and gives it more rows, none of them zero; returns the rows added.</summary>
    public static byte[] Write(string source, string target, int rows)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.GetFiles(source)) File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        var path = Path.Combine(target, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        var had = (int)config["vocab_size"]!;
        config["vocab_size"] = rows;
        File.WriteAllText(path, config.ToJsonString());
        var random = new Random(5);
        var tensors = new List<SafetensorsTensor>();
        using (var file = new SafetensorsFile(Path.Combine(source, "model.safetensors")))
            foreach (var entry in file.Entries.Values)
            {
                var bytes = new ReadOnlySpan<byte>(file.Address(entry), (int)entry.Bytes).ToArray();
                var shape = entry.Shape;
                if (Vocabularies.Contains(entry.Name))
                {
                    var more = Enumerable.Range(0, (rows - had) * (int)shape[1]).SelectMany(_ => BitConverter.GetBytes((float)(random.NextDouble() - 0.5)));
                    (bytes, shape) = ([.. bytes, .. more], [rows, shape[1]]);
                }
                tensors.Add(new SafetensorsTensor(entry.Name, entry.DataType, shape, stream => stream.Write(bytes)));
            }
        using (var stream = File.Create(Path.Combine(target, "model.safetensors"))) SafetensorsWriter.Write(stream, tensors, new Dictionary<string, string>());
        return Rows(target, had);
    }

    /// <summary>The bytes of some last rows of embedding and head.</summary>
    public static byte[] Rows(string directory, int from)
    {
        using var file = new SafetensorsFile(Path.Combine(directory, "model.safetensors"));
        return [.. file.Entries.Values.Where(entry => Vocabularies.Contains(entry.Name)).OrderBy(entry => entry.Name, StringComparer.Ordinal).SelectMany(entry =>
        {
            var row = entry.Bytes / entry.Shape[0];
            return new ReadOnlySpan<byte>(file.Address(entry) + from * row, (int)(entry.Bytes - from * row)).ToArray();
        })];
    }
}
