using System.Buffers.Binary;
using System.Text;
using Tulu2.Files;

namespace Tulu2.Checkpoints.TorchFiles;

/// <summary>
/// Runs a Python pickle (protocols 2 to 5) as far as plain tensors need it. A pickle is a program for a stack machine, and two of its operations name and call
/// anything that Python can import; here names come from <see cref="TensorNames"/> alone and calls build values. The first operation or name that plain
/// tensors do not need ends the reading, so that nothing outside this list is ever run.
/// </summary>
/// <param name="path">The file, for messages.</param>
internal sealed class PickleMachine(string path, byte[] program)
{
    private const string Fix = "take the weights as safetensors, or save the state_dict alone, from a source that you trust";

    private static readonly object Mark = new();

    private readonly Stack<object?> _stack = new();
    private readonly Dictionary<long, object?> _memo = [];
    private int _at;

    /// <returns>The value that the program leaves on the stack.</returns>
    /// <exception cref="BadInputException">It breaks off, is not a pickle, or asks for anything other than plain tensors, which is named.</exception>
    public object? Run()
    {
        while (true)
        {
            var at = _at;
            var operation = Take(1)[0];
            if (operation == '.') return Pop();
            if (!Do((char)operation))
                throw new BadInputException(
                    path, $"its pickle uses an operation (0x{operation:x2} at byte {at}) that plain tensors have no use for", Fix);
        }
    }

    private bool Do(char operation)
    {
        switch (operation)
        {
            // Protocol and frames.
            case '\x80': return Take(1)[0] is >= 2 and <= 5;
            case '\x95': Take(8); return true;

            // Plain values.
            case 'N': return Push(null);
            case '\x88': return Push(true);
            case '\x89': return Push(false);
            case 'J': return Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
            case 'K': return Push((long)Take(1)[0]);
            case 'M': return Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
            case '\x8a': return Push(Long(Take(Take(1)[0])));
            case 'G': return Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
            case 'X': return Push(Encoding.UTF8.GetString(Take(Word())));
            case '\x8c': return Push(Encoding.UTF8.GetString(Take(Take(1)[0])));
            case 'T': return Push(Encoding.UTF8.GetString(Take(Word())));
            case 'U': return Push(Encoding.UTF8.GetString(Take(Take(1)[0])));

            // Containers.
            case '(': return Push(Mark);
            case ')': return Push(new PickledTuple([]));
            case 't': return Push(new PickledTuple(ToMark()));
            case '\x85': return Push(new PickledTuple(Last(1)));
            case '\x86': return Push(new PickledTuple(Last(2)));
            case '\x87': return Push(new PickledTuple(Last(3)));
            case ']': return Push(new List<object?>());
            case 'a': return Append(Last(1));
            case 'e': return Append(ToMark());
            case '}': return Push(new Dictionary<object, object?>());
            case 's': return Set(Last(2));
            case 'u': return Set(ToMark());
            case '0': Pop(); return true;
            case '1': ToMark(); return true;

            // The memo.
            case 'q': _memo[Take(1)[0]] = Peek(); return true;
            case 'r': _memo[Word()] = Peek(); return true;
            case '\x94': _memo[_memo.Count] = Peek(); return true;
            case 'h': return Push(Remembered(Take(1)[0]));
            case 'j': return Push(Remembered(Word()));

            // Names and calls.
            case 'c': return Push(Name(Line(), Line()));
            case 'i': Name(Line(), Line()); return false;
            case '\x93': return Last(2) is [string module, string name] && Push(Name(module, name));
            case 'R': return Call();
            case 'Q': return Push(TensorNames.Storage(Pop()) ?? throw Broken("it points to something outside that is no storage of elements"));
            case 'b': return Build();
            default: return false;
        }
    }

    private PickledName Name(string module, string name)
    {
        var whole = $"{module}.{name}";
        return TensorNames.IsKnown(whole) ? new PickledName(whole)
            : throw new BadInputException(path, $"its pickle asks for {Shown(whole)}, which plain tensors have no use for; nothing of it was run", Fix);
    }

    private bool Call()
    {
        if (Last(2) is not [PickledName { Name: var name }, PickledTuple arguments]) throw Broken("it calls something that is no function");
        return Push(TensorNames.Call(name, arguments.Items)
            ?? throw new BadInputException(path, $"its pickle calls {name} in a way that makes no plain tensor", Fix));
    }

    // A state_dict's attributes (version notes) do not concern the values.
    private bool Build() => Last(2) is [Dictionary<object, object?>, Dictionary<object, object?>] pair && Push(pair[0]);

    private bool Append(object?[] items)
    {
        if (Peek() is not List<object?> list) throw Broken("it appends to what is no list");
        list.AddRange(items);
        return true;
    }

    private bool Set(object?[] items)
    {
        if (Peek() is not Dictionary<object, object?> dictionary || items.Length % 2 != 0) throw Broken("it sets items of what is no dictionary");
        for (var item = 0; item < items.Length; item += 2) dictionary[items[item] ?? throw Broken("a key is None")] = items[item + 1];
        return true;
    }

    private bool Push(object? value)
    {
        _stack.Push(value);
        return true;
    }

    private object? Pop() => _stack.TryPop(out var value) && !ReferenceEquals(value, Mark) ? value : throw Broken("its stack runs empty");

    private object? Peek() => _stack.TryPeek(out var value) && !ReferenceEquals(value, Mark) ? value : throw Broken("its stack runs empty");

    private object?[] Last(int count)
    {
        var items = new object?[count];
        for (var item = count - 1; item >= 0; item--) items[item] = Pop();
        return items;
    }

    private object?[] ToMark()
    {
        var items = new List<object?>();
        while (_stack.TryPop(out var value))
        {
            if (!ReferenceEquals(value, Mark))
            {
                items.Add(value);
                continue;
            }
            items.Reverse();
            return [.. items];
        }
        throw Broken("its stack runs empty");
    }

    private object? Remembered(long key) => _memo.TryGetValue(key, out var value) ? value : throw Broken("it names something that it never kept");

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count < 0 || count > program.Length - _at) throw Broken("it breaks off");
        var bytes = program.AsSpan(_at, (int)count);
        _at += (int)count;
        return bytes;
    }

    private long Word() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    private string Line()
    {
        var length = program.AsSpan(_at).IndexOf((byte)'\n');
        if (length < 0) throw Broken("it breaks off");
        var text = Encoding.UTF8.GetString(Take(length));
        _at++;
        return text;
    }

    private long Long(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > sizeof(long)) throw Broken("a number is too large");
        var value = 0L;
        for (var index = bytes.Length - 1; index >= 0; index--) value = value << 8 | bytes[index];
        // Two's complement of the given number of bytes.
        var unused = 8 * (sizeof(long) - bytes.Length);
        return bytes.Length == 0 ? 0 : value << unused >> unused;
    }

    // A name comes from the file: shortened, and without control characters.
    private static string Shown(string name) => new([.. name.Take(100).Select(letter => char.IsControl(letter) ? '?' : letter)]);

    private BadInputException Broken(string what) => new(path, $"its pickle is damaged at byte {_at}: {what}", "download or copy the file again");
}
