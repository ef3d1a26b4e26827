package reference;

import com.amazon.randomcutforest.RandomCutForest;
import com.amazon.randomcutforest.state.RandomCutForestMapper;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The peer of the benchmark: a forest for each of {@code keys} keys, which standard input tells what to do, a line at
 * a time, and which answers each line with one. load_tests/forest/protocol.py is the other end.
 *
 * <p>Words of the command line: those of {@link #newForest}, and {@code keys}.
 */
public final class Bench {
    private static final int COLLECTIONS = 10; // the first five still find something to free
    private static final double NANOSECONDS = 1e-9; // in seconds

    private final DataInputStream input = new DataInputStream(new BufferedInputStream(System.in, 1 << 20));
    private RandomCutForest[] forests;
    private final int dimensions;
    private float[][] records = {};

    private Bench(Arguments arguments) {
        dimensions = arguments.integer("dimensions");
        forests = new RandomCutForest[arguments.integer("keys")];
        for (int key = 0; key < forests.length; key++) {
            forests[key] = newForest(arguments, key);
        }
    }

    public static void main(String[] words) throws IOException {
        Bench bench = new Bench(new Arguments(words));
        System.out.println("ready");
        for (String line = bench.readLine(); line != null; line = bench.readLine()) {
            System.out.println(bench.answer(line.split(" ")));
        }
    }

    /**
     * A new forest as the library makes it by itself, without what only the parity tests need.
     *
     * @param arguments dimensions (of one record), shingle_size, trees, sample_size
     */
    private static RandomCutForest newForest(Arguments arguments, long seed) {
        int shingleSize = arguments.integer("shingle_size");
        return RandomCutForest.builder()
                .dimensions(arguments.integer("dimensions") * shingleSize)
                .shingleSize(shingleSize)
                .internalShinglingEnabled(true)
                .numberOfTrees(arguments.integer("trees"))
                .sampleSize(arguments.integer("sample_size"))
                .boundingBoxCacheFraction(1.0)
                .randomSeed(seed)
                .build();
    }

    private String answer(String[] words) throws IOException {
        switch (words[0]) {
            case "load":
                records = readRecords(Integer.parseInt(words[1]) * forests.length);
                return "loaded";
            case "learn":
                learn();
                return "learned";
            case "turn":
                return Double.toString(turn());
            case "boxes":
                for (RandomCutForest forest : forests) {
                    forest.setBoundingBoxCacheFraction(Double.parseDouble(words[1]));
                }
                return "set";
            case "saved":
                return Integer.toString(savedBytes(forests[0], words[1].equals("trees")));
            case "heap":
                records = new float[0][]; // they must not be counted
                return Long.toString(heapInUse());
            case "forget":
                forests = new RandomCutForest[0];
                return "forgotten";
            default:
                throw new IOException("unknown: " + String.join(" ", words));
        }
    }

    /** Each key's records after one another; a single forest scores them too, which many would take too long for. */
    private void learn() {
        double sum = 0.0;
        for (int key = 0; key < forests.length; key++) {
            for (int i = key; i < records.length; i += forests.length) {
                if (forests.length == 1) {
                    sum += forests[key].getAnomalyScore(records[i]);
                }
                forests[key].update(records[i]);
            }
        }
        requireScores(sum);
    }

    /** Score and learn every record, the keys in turn. Returns seconds. */
    private double turn() {
        double sum = 0.0;
        long began = System.nanoTime();
        for (int i = 0; i < records.length; i++) {
            RandomCutForest forest = forests[i % forests.length];
            sum += forest.getAnomalyScore(records[i]);
            forest.update(records[i]);
        }
        double seconds = NANOSECONDS * (System.nanoTime() - began);
        requireScores(sum);
        return seconds;
    }

    /** Uses the scores, so that the compiler cannot leave them out. */
    private static void requireScores(double sum) {
        if (!(sum >= 0.0)) {
            throw new IllegalStateException("the scores add up to " + sum);
        }
    }

    /** Bytes, garbage collected. */
    private static long heapInUse() {
        for (int i = 0; i < COLLECTIONS; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /**
     * Bytes of the compact state as Java serialises it, which is smaller than the same as protostuff or as JSON.
     *
     * @param trees whether the trees are saved too; without them other trees are grown from the samples at a load
     */
    private static int savedBytes(RandomCutForest forest, boolean trees) throws IOException {
        RandomCutForestMapper mapper = new RandomCutForestMapper();
        mapper.setSaveTreeStateEnabled(trees);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream output = new ObjectOutputStream(bytes)) {
            output.writeObject(mapper.toState(forest));
        }
        return bytes.size();
    }

    private float[][] readRecords(int count) throws IOException {
        byte[] bytes = new byte[dimensions * Float.BYTES];
        float[][] read = new float[count][dimensions];
        for (float[] record : read) {
            input.readFully(bytes);
            ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(record);
        }
        return read;
    }

    /** The next line without its end, or null at the end of the input. */
    private String readLine() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int character = input.read(); character != '\n'; character = input.read()) {
            if (character < 0) {
                if (line.length() > 0) {
                    throw new EOFException("half a line: " + line);
                }
                return null;
            }
            line.append((char) character);
        }
        return line.toString();
    }
}
