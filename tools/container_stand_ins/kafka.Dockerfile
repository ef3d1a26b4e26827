FROM localhost/stand-in-java
COPY libs /opt/kafka/libs
COPY start-kafka /opt/kafka/bin/start-kafka
RUN useradd --uid 1000 appuser && mkdir -p /var/lib/kafka/data && chown appuser /var/lib/kafka/data
USER appuser
VOLUME /var/lib/kafka/data
CMD ["/opt/kafka/bin/start-kafka"]
