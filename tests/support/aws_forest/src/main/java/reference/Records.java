package reference;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The records of standard input: little-endian float32, one record after the other, to the end of the stream. */
final class Records {
    private Records() {
    }

    /** All records of {@code input}, each of {@code dimensions} numbers. Part of a record is an error. */
    static float[][] read(InputStream input, int dimensions) throws IOException {
        byte[] bytes = input.readAllBytes();
        int width = dimensions * Float.BYTES;
        if (bytes.length % width != 0) {
            throw new IOException(bytes.length + " bytes are not whole records of " + width);
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        float[][] records = new float[bytes.length / width][dimensions];
        for (float[] record : records) {
            buffer.asFloatBuffer().get(record);
            buffer.position(buffer.position() + width);
        }
        return records;
    }
}
