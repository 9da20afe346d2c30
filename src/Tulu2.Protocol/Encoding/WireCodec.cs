using System.Collections.Immutable;
using MessagePack;

namespace Tulu2.Protocol.Encoding;

public delegate void WriteFields<in T>(ref MessagePackWriter writer, T message);

public delegate T ReadFields<out T>(ref MessagePackReader reader);

/// <summary>How one type of message looks on the wire: its fields in order, as one MessagePack array.</summary>
/// <param name="Manifest">One to three characters; never given to another type.</param>
/// <param name="Fields">Length of the array.</param>
public sealed record WireCodec(string Manifest, Type Type, int Fields, WriteFields<object> Write, ReadFields<object> Read)
{
    public static WireCodec For<T>(string manifest, int fields, WriteFields<T> write, ReadFields<T> read)
        where T : class =>
        new(manifest, typeof(T), fields, (ref MessagePackWriter writer, object message) => write(ref writer, (T)message),
            (ref MessagePackReader reader) => read(ref reader));
}

/// <summary>Fields that several messages have.</summary>
public static class WireFields
{
    /// <summary>Longest text that is sent whole. Stack traces and samples are for people: their end can go.</summary>
    public const int MaxText = 8 * 1024;

    public static void Text(ref MessagePackWriter writer, string? text) => writer.Write(text is { Length: > MaxText } ? text[..MaxText] : text);

    public static string Text(ref MessagePackReader reader) => reader.ReadString() ?? throw new MessagePackSerializationException("a text is missing");

    public static void List<T>(ref MessagePackWriter writer, IReadOnlyCollection<T> items, WriteFields<T> write)
    {
        writer.WriteArrayHeader(items.Count);
        foreach (var item in items) write(ref writer, item);
    }

    public static ImmutableArray<T> List<T>(ref MessagePackReader reader, ReadFields<T> read)
    {
        var items = ImmutableArray.CreateBuilder<T>(reader.ReadArrayHeader());
        for (var left = items.Capacity; left > 0; left--) items.Add(read(ref reader));
        return items.MoveToImmutable();
    }

    public static void Texts(ref MessagePackWriter writer, IReadOnlyCollection<string> texts) =>
        List(ref writer, texts, (ref MessagePackWriter w, string text) => Text(ref w, text));

    public static string[] Texts(ref MessagePackReader reader) => [.. List(ref reader, (ref MessagePackReader r) => Text(ref r))];

    public static void Numbers(ref MessagePackWriter writer, IReadOnlyCollection<long> numbers) =>
        List(ref writer, numbers, (ref MessagePackWriter w, long number) => w.Write(number));

    public static long[] Numbers(ref MessagePackReader reader) => [.. List(ref reader, (ref MessagePackReader r) => r.ReadInt64())];
}
