BEGIN TRANSACTION;
CREATE TABLE coverage (
	id INTEGER NOT NULL, 
	person VARCHAR NOT NULL, 
	scheme VARCHAR NOT NULL, 
	area VARCHAR NOT NULL, 
	starts DATE NOT NULL, 
	ends DATE, 
	share VARCHAR NOT NULL, 
	because_zh VARCHAR NOT NULL, 
	because_en VARCHAR NOT NULL, 
	recorded_sequence INTEGER NOT NULL, 
	recorded_on DATE NOT NULL, 
	superseded_sequence INTEGER, 
	superseded_on DATE, 
	PRIMARY KEY (id), 
	UNIQUE (person, scheme, area, starts, recorded_sequence)
);
INSERT INTO "coverage" VALUES(1,'first1','resident','130925','2017-03-01','2017-12-31','1','按期参保','paid in the window',1,'2017-03-05',2,'2017-03-09');
INSERT INTO "coverage" VALUES(2,'first1','resident','130925','2017-01-01','2017-12-31','1','按期参保','paid in the window',2,'2017-03-09',NULL,NULL);
CREATE TABLE decision (
	person VARCHAR NOT NULL, 
	decision_id VARCHAR NOT NULL, 
	sequence INTEGER NOT NULL, 
	rule VARCHAR NOT NULL, 
	outcome_zh VARCHAR NOT NULL, 
	outcome_en VARCHAR NOT NULL, 
	as_of DATE NOT NULL, 
	pack VARCHAR, 
	sources VARCHAR NOT NULL, 
	PRIMARY KEY (person, decision_id)
);
INSERT INTO "decision" VALUES('first1','c1',1,'newborn','按期参保','paid in the window','2017-03-05','130925/2017','["S001 art. 5"]');
INSERT INTO "decision" VALUES('first1','c2',2,'newborn','按期参保','paid in the window','2017-03-09','130925/2017','["S001 art. 5"]');
CREATE TABLE document (
	hash VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	person VARCHAR NOT NULL, 
	PRIMARY KEY (hash)
);
INSERT INTO "document" VALUES('1074e8d6831ebe5fe70ea1ec440447ec6c53078215823a66703336de31014f69','birth_certificate','gtd65dd2mkutjn3hzts5qnxq');
CREATE TABLE feed (
	name VARCHAR NOT NULL, 
	cursor VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "feed" VALUES('tax/payments','7');
CREATE TABLE journal (
	person VARCHAR NOT NULL, 
	fact_id VARCHAR NOT NULL, 
	sequence INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	content VARCHAR NOT NULL, 
	recorded_on DATE NOT NULL, 
	PRIMARY KEY (person, fact_id)
);
INSERT INTO "journal" VALUES('first1','b1',1,0,'{"on":"2017-03-01","area":"130925","recorded_on":"2017-03-02","id":"b1","type":"birth"}','2017-03-05');
INSERT INTO "journal" VALUES('first1','r1',1,1,'{"on":"2017-03-05","area":"130925","recorded_on":"2017-03-05","id":"r1","type":"registered","scheme":"resident","capacity":"newborn","plan_year":2017}','2017-03-05');
INSERT INTO "journal" VALUES('first1','p1',2,0,'{"on":"2017-03-09","area":"130925","recorded_on":"2017-03-09","id":"p1","type":"paid","scheme":"resident","plan_year":2017,"amount":"150"}','2017-03-09');
INSERT INTO "journal" VALUES('first1','p2',2,1,'{"on":"2017-03-09","area":"130925","recorded_on":"2017-03-09","id":"p2","type":"paid","scheme":"resident","plan_year":2018,"amount":"31.50"}','2017-03-09');
INSERT INTO "journal" VALUES('first1','p3',2,2,'{"on":"2017-03-09","area":"130925","recorded_on":"2017-03-09","id":"p3","corrects":"p2","withdrawn":true,"type":"paid","scheme":"resident","plan_year":2018,"amount":"31.50"}','2017-03-09');
CREATE TABLE person (
	"key" VARCHAR NOT NULL, 
	sequence INTEGER NOT NULL, 
	digest VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	area VARCHAR NOT NULL, 
	parked VARCHAR NOT NULL, 
	slots VARCHAR NOT NULL, 
	recorded_on DATE, 
	PRIMARY KEY ("key")
);
INSERT INTO "person" VALUES('first1',2,'613f43ab5d6a1247','enrolled','130925','[]','{"levy/resident/130925/2017/basic": {"kind": "levy", "digest": "d1", "state": "done", "summary": "2017年度应缴 · levy 2017: 150 元"}}','2017-03-09');
CREATE INDEX ix_person_area ON person (area);
CREATE INDEX ix_document_person ON document (person);
CREATE INDEX ix_coverage_person ON coverage (person);
COMMIT;
