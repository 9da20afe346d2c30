namespace Tulu2.Protocol.Outcomes;

/// <summary>Tells failures for want of memory from others.</summary>
public static class MemoryFault
{
    // libtorch's allocators have no exception of their own; TorchSharp passes on their texts.
    private static readonly string[] Texts = ["can't allocate memory", "not enough memory", "out of memory"];

    public static bool Is(Exception fault) => fault switch
    {
        OutOfMemoryException => true,
        AggregateException all => all.InnerExceptions.Any(Is),
        _ => Array.Exists(Texts, text => fault.Message.Contains(text, StringComparison.OrdinalIgnoreCase)) || (fault.InnerException is { } inner && Is(inner)),
    };
}
