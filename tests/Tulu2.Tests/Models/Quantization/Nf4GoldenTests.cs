using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Tulu2.Models.Quantization;
using Tulu2.Tests.Golden;
using Xunit;

namespace Tulu2.Tests.Models.Quantization;

/// <summary>
/// Codes and scales of a table of tensors (Golden/nf4.jsonl). They were not made by this program: bitsandbytes' own Python code (sources of 0.50.2.dev0,
/// backends/default, on PyTorch 1.13) quantised and restored the tensors with <c>quantize_4bit</c> and <c>dequantize_4bit</c>; its dynamic map was replaced
/// by the values of PyTorch 2, since older versions differ in the last bit of some, and the mean of the scales summed in double precision. Where scales are all
/// equal or denormal the table has no nested ones: there bitsandbytes' CPU code and its CUDA kernel differ.
/// </summary>
public sealed unsafe class Nf4GoldenTests
{
    public static TheoryData<string> Names => new(Cases().Select(item => item.GetProperty("name").GetString()!).Where(name => name != "maps"));

    [Fact]
    public void Levels_and_map_are_those_of_bitsandbytes()
    {
        var maps = Case("maps");
        Assert.Equal(Singles(maps, "levels"), Nf4.Levels.ToArray());
        Assert.Equal(Singles(maps, "dynamic_map"), DynamicMap.Values.ToArray());
        Assert.Equal(Singles(maps, "thresholds"), Nf4.Levels[..15].ToArray().Zip(Nf4.Levels[1..].ToArray(), (low, high) => (low + high) / 2));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_tensor_has_the_codes_scales_and_values_of_bitsandbytes(string name)
    {
        var item = Case(name);
        long rows = item.GetProperty("rows").GetInt64(), columns = item.GetProperty("columns").GetInt64();
        var values = item.TryGetProperty("seed", out var seed) ? Nf4Samples.Congruential(seed.GetUInt64(), (int)(rows * columns)) : Singles(item, "values");
        var single = Nf4Samples.Quantize(values, rows, columns, doubleQuant: false);
        var nested = Nf4Samples.Quantize(values, rows, columns, doubleQuant: true);
        Expect(item, "codes", single.Codes);
        Expect(item, "codes", nested.Codes);
        Expect(item, "absmax", MemoryMarshal.AsBytes<float>(single.Scales.Values));
        if (!item.TryGetProperty("absmax_codes", out _)) return;
        Expect(item, "absmax_codes", nested.Scales.Codes);
        Expect(item, "nested_absmax", MemoryMarshal.AsBytes<float>(nested.Scales.Values));
        Assert.Equal(Singles(item, "offset").Single(), nested.Scales.Mean);

        var restored = new float[values.Length];
        nested.Restore(restored);
        // A zero of either sign is a zero.
        for (var index = 0; index < restored.Length; index++) restored[index] += 0f;
        Expect(item, "restored", MemoryMarshal.AsBytes<float>(restored));
        var brain = new ushort[values.Length];
        fixed (ushort* target = brain) nested.RestoreBrain(target, columns);
        for (var index = 0; index < brain.Length; index++) brain[index] = brain[index] == 0x8000 ? (ushort)0 : brain[index];
        Expect(item, "restored_bf16", MemoryMarshal.AsBytes<ushort>(brain));
    }

    private static void Expect(JsonElement item, string key, ReadOnlySpan<byte> actual)
    {
        if (item.TryGetProperty(key, out var bytes)) Assert.Equal(bytes.GetString(), Convert.ToHexStringLower(actual));
        else Assert.Equal(item.GetProperty(key + "_sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(actual)));
    }

    private static float[] Singles(JsonElement item, string key) =>
        MemoryMarshal.Cast<byte, float>(Convert.FromHexString(item.GetProperty(key).GetString()!)).ToArray();

    private static JsonElement Case(string name) => Cases().Single(item => item.GetProperty("name").GetString() == name);

    private static IEnumerable<JsonElement> Cases() =>
        GoldenFile.Read("tests", "Tulu2.Tests", "Golden", "nf4.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement);
}
